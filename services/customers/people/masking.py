"""What is shown of personal data to those who may not see it: enough to recognise, too little to know."""

import re
from typing import Final

HIDDEN: Final = "***"
"""Stands for what is left out; always of one length, since lengths tell too."""

_LEAST_DIGITS: Final = 8  # of fewer digits, two are too many
_SHOWN_DIGITS: Final = 2
_TOP_LEVEL: Final = re.compile(r"[a-z]{2,6}")


def masked_name(name: str) -> str:
    """Each word's initial: "Ada Byron" is "A*** B***"; empty stays empty."""
    return " ".join(_initial(word) + HIDDEN for word in name.split())


def masked_email(email: str) -> str:
    """Initials of the mailbox and its domain, and the domain's last part: "a***@e***.org"."""
    if not email:
        return ""
    mailbox, at, domain = email.strip().rpartition("@")
    if not at:
        return HIDDEN
    host, dot, last = domain.rpartition(".")
    ending = f".{last}" if dot and _TOP_LEVEL.fullmatch(last.lower()) else ""
    return f"{_initial(mailbox)}{HIDDEN}@{_initial(host if dot else domain)}{HIDDEN}{ending}"


def masked_phone(phone: str) -> str:
    """The last two digits: "***67"."""
    if not phone:
        return ""
    digits = [character for character in phone if character.isdigit()]
    shown = digits[-_SHOWN_DIGITS:] if len(digits) >= _LEAST_DIGITS else []
    return HIDDEN + "".join(shown)


def masked_city(city: str) -> str:
    """The first word's initial: "New York" is "N***"."""
    return _initial(city.strip()) + HIDDEN if city.strip() else ""


def _initial(word: str) -> str:
    """The first letter where the script has capital letters, nothing of any other.

    One character of a Chinese or Korean name is a family name, and scripts without letter case have no
    initials that people use.
    """
    first = word[:1]
    return first if first.lower() != first.upper() else ""
