"""Count in how many texts words occur, for the embedder's weights: figures only, no word is kept.

``python -m investorbench.scripts.word_rarity FOLDER`` reads the ``*.parquet`` files of a folder of
texts and writes the table that comes with `investorbench.memory`. Vectors change with it.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from investorbench.memory import rarity
from investorbench_env.whole_files import write_atomically

_WORDS = re.compile(r"\w+")


def texts(folder: Path) -> Iterator[str]:
    """Each text once: headlines with their bodies, sentences, and the paragraphs of filings."""
    import pandas as pd

    for path in sorted(folder.glob("*.parquet")):
        frame = pd.read_parquet(path)
        if "headline" in frame:
            both = frame["headline"].fillna("") + "\n" + frame["text"].fillna("")
            yield from both.drop_duplicates()
        elif "sentence" in frame:
            yield from frame["sentence"]
        elif "item" in frame:  # items repeat what stands in the whole
            for filing in frame.loc[frame["item"] == "FULL", "text"]:
                yield from filing.split("\n\n")


def weights_of(texts: Iterable[str]) -> rarity.Weights:
    """The table: the weight of the most frequent word of each bucket."""
    count = 0
    frequencies: Counter[str] = Counter()
    for text in texts:
        words = {
            rarity.FIGURE if word.isdecimal() else word for word in _WORDS.findall(text.lower())
        }
        count += bool(words)
        frequencies.update(words)
    most = np.ones(rarity.BUCKETS)  # a word that was never seen may be in the next text
    for word, frequency in frequencies.items():
        place = rarity.bucket(word)
        most[place] = max(most[place], frequency)
    nats = np.log(max(count, 1) / most).clip(0.0, rarity.RAREST)
    weights: rarity.Weights = np.rint(rarity.STEPS * np.sqrt(nats)).astype(np.uint8)
    return weights


def main(folder: str) -> None:
    """Write the table."""
    path = Path(rarity.__file__).with_name(rarity.FILE)
    write_atomically(path, weights_of(texts(Path(folder))).tobytes())
    print(f"{path}: {path.stat().st_size:,} bytes, version {rarity.version()}")


if __name__ == "__main__":
    main(sys.argv[1])
