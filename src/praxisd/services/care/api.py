"""The only door of the care for other services and for the composition root."""

from praxisd.services.care.settling import settle

__all__ = ("settle",)
