"""MBG/NBD: a customer may be lost after each purchase, the first one included."""

from typing import Final

from services.customers.lifetime.beta_geometric import BetaGeometric

MBG_NBD: Final = BetaGeometric("mbg_nbd", lost_at_first=True)
