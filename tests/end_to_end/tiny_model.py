"""A language model of 0.7 million parameters: it learns to repeat what another agent
answered in a run.

``python tiny_model.py RUN MODEL`` reads a run folder and writes a folder that vLLM serves; the
server's own Python runs it. A lesson is the end of a prompt and the answer. Attention that only
knows distances (ALiBi) lets the model do at the end of a long prompt what it learned on these.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import BloomConfig, BloomForCausalLM, PreTrainedTokenizerFast

END = "<|end|>"
ROLES = ["<|system|>", "<|user|>", "<|assistant|>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
VOCABULARY = 2048
LONGEST = 16_384
LESSON = 256
"""Tokens; those of an answer are up to 100."""
STEPS, BATCH, LEARNING_RATE = 100, 8, 5e-3
IGNORED = -100
"""The target of what is not to be learned."""


class Lesson(NamedTuple):
    """What was asked, and what the reply is."""

    messages: list[dict[str, str]]
    answer: str


def make(run: Path, folder: Path) -> None:
    """Train a model on a run and write it."""
    lessons = list(read(run))
    tokenizer = tokenizer_of(lessons)
    model = trained_on(lessons, tokenizer)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def read(run: Path) -> Iterator[Lesson]:
    """The lessons of a run folder."""
    for path in sorted(run.rglob("*.jsonl")):
        for text in path.read_text().splitlines()[1:]:  # below the header
            line = json.loads(text)
            asked, value = line["thought"]["question"], line["answers"][0]["value"]
            messages = [{"role": role, "content": asked[role]} for role in ("system", "user")]
            # In the schema's order, in which a server makes the model answer.
            parts = {name: brief(value[name]) for name in asked["schema"]["required"]}
            yield Lesson(messages, json.dumps(parts, separators=(",", ":")))


def brief(part: Any) -> Any:
    """A part of an answer without what an agent adds in brackets."""
    return part.partition(" (")[0] if isinstance(part, str) else part


def tokenizer_of(lessons: list[Lesson]) -> PreTrainedTokenizerFast:
    """Byte pairs, so that it can write any text."""
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    asked = [message["content"] for lesson in lessons for message in lesson.messages]
    pairs.train_from_iterator([*asked, *(lesson.answer for lesson in lessons)], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=pairs, eos_token=END, pad_token=END, chat_template=CHAT_TEMPLATE
    )


def trained_on(lessons: list[Lesson], tokenizer: PreTrainedTokenizerFast) -> BloomForCausalLM:
    """A model that gives the answers."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # threads wait for each other longer than so small a model computes
    end = tokenizer.eos_token_id
    model = BloomForCausalLM(
        BloomConfig(
            vocab_size=VOCABULARY, hidden_size=128, n_layer=2, n_head=4, seq_length=LONGEST,
            bos_token_id=None, eos_token_id=end, pad_token_id=end,
        )
    )  # fmt: skip
    texts, targets = examples(lessons, tokenizer)
    optimizer = torch.optim.AdamW(model.parameters())
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        drawn = torch.randint(len(texts), (BATCH,))
        optimizer.zero_grad()
        model(input_ids=texts[drawn], labels=targets[drawn]).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
    return model


def examples(
    lessons: list[Lesson], tokenizer: PreTrainedTokenizerFast
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ends of all lessons, and of those the answers; tokens [lessons, LESSON]."""
    texts, targets = [], []
    for messages, reply in lessons:
        prompt = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=False
        )
        answer = tokenizer.encode(reply + END)
        texts.append([*prompt, *answer][-LESSON:])
        targets.append([*[IGNORED] * len(prompt), *answer][-LESSON:])
    return torch.tensor(texts), torch.tensor(targets)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
