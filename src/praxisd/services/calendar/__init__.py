"""Calendar: opening hours, slots, booking, reservations, holds, iCalendar feeds."""
