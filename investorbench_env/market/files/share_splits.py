"""Splits of assets that the benchmark uses, for files that come without a list of splits.

Only what is certain: an asset that is not here has unknown splits, and a market says so. A
spin-off that vendors adjust prices for as if it were a split stands here too (HON, IBM, MRK, PFE):
its ratio is the one by which vendor prices before it return to whole cents.
"""

from types import MappingProxyType

KNOWN_FROM, KNOWN_TO = "2004-01-01", "2024-12-31"

KNOWN_SPLITS = MappingProxyType(
    {
        "AAPL": (("2005-02-28", 2.0), ("2014-06-09", 7.0), ("2020-08-31", 4.0)),
        "AMZN": (("2022-06-06", 20.0),),
        "DIA": (),
        "EEM": (("2005-06-09", 3.0), ("2008-07-24", 3.0)),
        "GLD": (),
        "GOOGL": (("2014-04-03", 1.998), ("2022-07-18", 20.0)),
        "HON": (("2016-10-03", 1.0053282), ("2018-10-01", 1.011), ("2018-10-29", 1.032)),
        "IBM": (("2021-11-04", 1.046),),
        "IWM": (("2005-06-09", 2.0),),
        "JNJ": (),
        "KO": (("2012-08-13", 2.0),),
        "MA": (("2014-01-22", 10.0),),
        "META": (),
        "MRK": (("2021-06-03", 1.048),),
        "MSFT": (),
        "NFLX": (("2004-02-12", 2.0), ("2015-07-15", 7.0), ("2025-11-17", 10.0)),
        "NIO": (),
        "NKE": (("2007-04-03", 2.0), ("2012-12-26", 2.0), ("2015-12-24", 2.0)),
        "NVDA": (
            ("2006-04-07", 2.0),
            ("2007-09-11", 1.5),
            ("2021-07-20", 4.0),
            ("2024-06-10", 10.0),
        ),
        "PFE": (("2020-11-17", 1.054),),
        "QQQ": (),
        "SLV": (("2008-07-24", 10.0),),
        "SPY": (),
        "TLT": (),
        "TSLA": (("2020-08-31", 5.0), ("2022-08-25", 3.0)),
        "USO": (("2020-04-29", 0.125),),
        "UVV": (),
        "V": (("2015-03-19", 4.0),),
        "WMT": (("2024-02-26", 3.0),),
        "XLE": (("2025-12-05", 2.0),),
    }
)
"""Ex-date and new shares for one old one: every split in these years, and later ones if known."""
