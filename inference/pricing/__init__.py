"""What a call costs: exact integer prices from a maintained table, with dated overrides of our own."""

from inference.pricing.book import PriceBook
from inference.pricing.rates import PriceError, Rates
from inference.pricing.tariff import Line

__all__ = ["Line", "PriceBook", "PriceError", "Rates"]
