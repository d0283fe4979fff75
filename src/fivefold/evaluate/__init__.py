"""How near results are to what retouchers made."""
