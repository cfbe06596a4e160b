"""BG/NBD: a customer may be lost after each repeat purchase."""

from typing import Final

from services.customers.lifetime.beta_geometric import BetaGeometric

BG_NBD: Final = BetaGeometric("bg_nbd", lost_at_first=False)
