"""A corpus in which one line of each briefing tells the class in words, and a model to train.

The model is a Llama of half a million parameters over byte pairs, made here and knowing nothing.
"""

import random
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.record.files import write_json
from investorbench.tasks.trading_r1.baselines import PUBLISHED_MIX
from investorbench.tasks.trading_r1.corpus.rows import (
    MANIFEST,
    SPLITS,
    CorpusRow,
    file_of,
    read_rows,
    write_rows,
)
from investorbench.tasks.trading_r1.decisions import mark_of

SAID = {
    "STRONG_BUY": "orders surge and profit soars beyond every plan",
    "BUY": "sales grow while margins improve a little",
    "HOLD": "nothing changes, guidance stays as it was",
    "SELL": "demand weakens so costs hurt earnings",
    "STRONG_SELL": "losses explode, lenders flee, default looms",
}
"""The line of a briefing that tells its class."""
OTHERS = (
    "No change of auditors", "Volume was close to its average", "The sector moved little",
    "A dividend is paid in the spring", "The close lies near the average of 20 days",
    "Rates were left where they were",
)  # fmt: skip
RIGHT = 0.4
"""How often what the model is warm-started on is the true class; else it is too hopeful by one."""
VOCABULARY = 900
WIDTH = 128
DEVIATION = WIDTH**-0.5
"""Of first weights that suit the width. With the .02 of transformers, which suits thousands, so
narrow a model answers by the mix of classes alone for hundreds of updates, and sometimes to their
end; what rewards then sharpen has nothing to do with the briefings."""
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]


def plant(folder: Path, *, seed: int, reads: bool = True, rows: int = 3_000) -> None:
    """Write a corpus.

    Args:
        folder: where.
        seed: of everything in it.
        reads: whether the teacher's answers have to do with the briefings.
        rows: to train on; there are 300 unseen ones.
    """
    rng = random.Random(seed)
    for split, number in zip(SPLITS, (rows, 300), strict=True):
        write_rows(file_of(folder, split), _rows(split, number, reads, rng))
    names = [file_of(folder, split) for split in SPLITS]
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in names}
    # Its theses are decisions alone: no filter could ask them for structure or evidence.
    teacher = {"structure": 0.0, "evidence": 0.0}
    write_json(folder / MANIFEST, {"files": files, "settings": {"teacher": teacher}})


def phrases_of(corpus: Path) -> list[str]:
    """Lines of briefings, and answers: as few tokens, they are quick to write and to read."""
    rows = list(read_rows(corpus, "train"))[:500]
    lines = [line for row in rows for each in row["prompt"] for line in each["content"].split("\n")]
    return [*lines, *[mark_of(label) for label in CLASSES] * 100]


def make_model(
    folder: Path,
    corpus: Path,
    *,
    seed: int = 0,
    layers: int = 2,
    phrases: Sequence[str] = (),
    deviation: float = 0.02,
) -> None:
    """Write a model that has learned nothing, with a tokenizer of its own.

    Args:
        folder: where.
        corpus: whose words it knows.
        seed: of its weights.
        layers: of them.
        phrases: texts that it knows instead, with pairs that go over words: few tokens.
        deviation: of its weights.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl.chat_template_utils import qwen3_chat_template

    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not phrases)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = file_of(corpus, "train").read_text().splitlines()[:500]
    marks = [f"{mark_of(label)} system user assistant" for label in CLASSES]
    between = "|".join(map(re.escape, SPECIAL))
    known = [part for text in phrases for part in re.split(between, text)]
    pairs.train_from_iterator(known or [*lines, *marks * 100], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pairs,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=qwen3_chat_template,
    )
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=384,
        initializer_range=deviation,
        num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=4096, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _rows(split: str, number: int, reads: bool, rng: random.Random) -> Iterator[CorpusRow]:
    for place in range(number):
        (label,) = rng.choices(CLASSES, list(PUBLISHED_MIX.values()))
        lines = rng.sample(OTHERS, 2)
        lines.insert(rng.randrange(3), f"[n1] News: {SAID[label]}")
        text = "\n".join(lines)
        prompt = [{"role": "system", "content": "Decide."}, {"role": "user", "content": text}]
        answer = mark_of(_answered(label, reads, rng))
        yield {
            "id": f"P/{split}/{place}",
            "market": f"SIM@{place}",
            "task": "InvestorBench/Stock-SIM",
            "symbol": "SIM",
            "market_seed": place,  # so that no two depend on each other
            "date": "2021-01-04",
            "split": split,  # type: ignore[typeddict-item]
            "variant": 0,
            "seed": place,
            "label": label,
            "score": 0.0,
            "horizon_return": 0.01,
            "daily_volatility": 0.02,
            "round_trip_rate": 0.002,
            "briefing_sha256": sha256(text.encode()).hexdigest(),
            "ids": ["n1"],
            "prompt": prompt,  # type: ignore[typeddict-item]
            "messages": [*prompt, {"role": "assistant", "content": answer}],  # type: ignore[list-item]
            "completion": answer,
            "teacher": "planted",
            "stage": "III",
            "rejected": None,
            "structure": 0.0,
            "evidence": 0.0,
            "decision": 0.0,
        }


def _answered(label: str, reads: bool, rng: random.Random) -> str:
    if not reads:
        return rng.choices(CLASSES, list(PUBLISHED_MIX.values()))[0]
    if rng.random() < RIGHT:
        return label
    return CLASSES[abs(CLASSES.index(label) - 1)]  # a strong buy becomes a buy
