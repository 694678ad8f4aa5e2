"""The doors: everything that speaks HTTP. Knows no service; gets their declarations handed over."""
