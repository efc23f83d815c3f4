"""What the cast sells in every store: SKU, title, price in USD."""

from __future__ import annotations

PRODUCTS = (
    ("CND-FIG-08", "Fig & Cedar Candle, 8 oz", "24.00"),
    ("CND-SEA-08", "Sea Salt & Sage, 8 oz", "24.00"),
    ("TPR-BEE-02", "Beeswax Tapers, pair", "18.00"),
    ("CND-AMB-12", "Amber Oud Candle, 12 oz", "34.00"),
    ("TIN-LAV-04", "Lavender Travel Tin, 4 oz", "14.00"),
    ("CND-VAN-3W", "Vanilla Bean, three-wick", "42.00"),
    ("MLT-SMP-06", "Wax Melts, 6 pack", "16.00"),
    ("ACC-TRM-BR", "Wick Trimmer, brass", "16.00"),
    ("GFT-MTC-01", "Matchbox, small", "4.00"),
    ("CND-PIN-12", "Pine Candle, 12 oz", "34.00"),  # near to TikTok's CND-PINE-12, and not the same
)
