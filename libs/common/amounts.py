"""Amounts of money as messages of the contract."""

from tickettoken.common.v1 import money_pb2


def money_message(amount_minor: int, currency: str) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)
