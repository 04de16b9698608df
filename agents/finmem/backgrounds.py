"""What the benchmark's assets were when their warm-up began: plain facts, nothing learned later."""

from typing import NamedTuple


class Background(NamedTuple):
    """What a symbol stands for."""

    as_of: str
    """The last day whose knowledge is in it, YYYY-MM-DD."""
    text: str


STOCKS_AS_OF = "2020-06-30"
CRYPTO_AS_OF = "2023-02-10"
ETF_AS_OF = "2019-07-26"

BACKGROUNDS: dict[str, Background] = {
    "MSFT": Background(
        STOCKS_AS_OF,
        "Microsoft Corporation (MSFT) is a technology company in Redmond, Washington, listed on "
        "Nasdaq. Its segments are Productivity and Business Processes (Office, LinkedIn, "
        "Dynamics), Intelligent Cloud (Azure, Windows Server) and More Personal Computing "
        "(Windows, Xbox, Surface, search advertising). Its fiscal year ends on 30 June.",
    ),
    "JNJ": Background(
        STOCKS_AS_OF,
        "Johnson & Johnson (JNJ) is a health-care company in New Brunswick, New Jersey, listed on "
        "the New York Stock Exchange. Its segments are Pharmaceutical, Medical Devices and "
        "Consumer. Its fiscal year ends around 31 December.",
    ),
    "UVV": Background(
        STOCKS_AS_OF,
        "Universal Corporation (UVV) is a leaf-tobacco supplier in Richmond, Virginia, listed on "
        "the New York Stock Exchange. It buys, processes and sells leaf tobacco to makers of "
        "tobacco products, and has begun to supply plant-based ingredients. Its fiscal year ends "
        "on 31 March.",
    ),
    "HON": Background(
        STOCKS_AS_OF,
        "Honeywell International Inc. (HON) is an industrial and technology company in Charlotte, "
        "North Carolina, listed on the New York Stock Exchange. Its segments are Aerospace, "
        "Honeywell Building Technologies, Performance Materials and Technologies, and Safety and "
        "Productivity Solutions. Its fiscal year ends on 31 December.",
    ),
    "TSLA": Background(
        STOCKS_AS_OF,
        "Tesla, Inc. (TSLA) is a maker of electric vehicles in Palo Alto, California, listed on "
        "Nasdaq. It sells the Model S, Model X, Model 3 and Model Y, with factories in Fremont and "
        "Shanghai, and products for generating and storing energy. Its fiscal year ends on 31 "
        "December.",
    ),
    "AAPL": Background(
        STOCKS_AS_OF,
        "Apple Inc. (AAPL) is a technology company in Cupertino, California, listed on Nasdaq. It "
        "sells the iPhone, Mac, iPad, wearables and accessories, and services such as the App "
        "Store, iCloud and Apple Music. Its fiscal year ends on the last Saturday of September.",
    ),
    "NIO": Background(
        STOCKS_AS_OF,
        "NIO Inc. (NIO) is a maker of premium electric vehicles in Shanghai, China, whose American "
        "depositary shares are listed on the New York Stock Exchange. It sells the ES8 and ES6 "
        "sport-utility vehicles and runs a battery-swapping service. Its fiscal year ends on 31 "
        "December.",
    ),
    "NFLX": Background(
        STOCKS_AS_OF,
        "Netflix, Inc. (NFLX) is a subscription streaming company in Los Gatos, California, listed "
        "on Nasdaq. It streams films and series, its own productions among them, in most countries "
        "of the world. Its fiscal year ends on 31 December.",
    ),
    "BTC": Background(
        CRYPTO_AS_OF,
        "Bitcoin (BTC) is a crypto-currency on a public, proof-of-work blockchain that has run "
        "since 2009. Its supply is limited to 21 million coins; the reward for a block halves "
        "every 210,000 blocks, last in May 2020. It trades around the clock on many exchanges.",
    ),
    "ETH": Background(
        CRYPTO_AS_OF,
        "Ether (ETH) is the crypto-currency of Ethereum, a public blockchain that runs smart "
        "contracts, live since 2015. It moved from proof of work to proof of stake in September "
        "2022, and part of its transaction fees is burned. It trades around the clock on many "
        "exchanges.",
    ),
    "SPY": Background(
        ETF_AS_OF,
        "SPDR S&P 500 ETF Trust (SPY) is an exchange-traded fund on NYSE Arca, launched in 1993 by "
        "State Street. It holds the shares of the S&P 500 index, 500 large companies of the United "
        "States, in proportion to their market value, and pays dividends every quarter.",
    ),
}  # fmt: skip
