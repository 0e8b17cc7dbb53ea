"""What a call costs: exact integer prices from a maintained table, with dated overrides of our own."""

from inference.pricing.book import PriceBook
from inference.pricing.tariff import PriceError, Rates

__all__ = ["PriceBook", "PriceError", "Rates"]
