"""Theses of a model on this machine: its likeliest words, or drawn ones."""

from collections.abc import Iterator, Sequence
from typing import Any

from investorbench.tasks.training.libraries import Libraries, without_their_warnings
from investorbench.tasks.training.models import LoadedModel

AT_ONCE = 32
"""Prompts that are answered together."""


def pages_of(prompts: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Prompts that are answered together."""
    for first in range(0, len(prompts), AT_ONCE):
        yield prompts[first : first + AT_ONCE]


def written(
    libraries: Libraries,
    loaded: LoadedModel,
    prompts: Sequence[Any],
    *,
    tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """What a model writes, a text a prompt.

    Args:
        libraries: what runs it.
        loaded: the model.
        prompts: conversations that end with a user's message.
        tokens: of a text at most.
        temperature: that words are drawn at; the likeliest for 0.
        seed: of what is drawn.
    """
    torch, (model, tokenizer) = libraries.torch, loaded
    torch.manual_seed(seed)
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    model.eval()
    texts: list[str] = []
    for page in pages_of(prompts):
        asked = tokenizer(
            [
                tokenizer.apply_chat_template(
                    list(prompt), tokenize=False, add_generation_prompt=True
                )
                for prompt in page
            ],
            return_tensors="pt",
            padding=True,
            add_special_tokens=False,
        ).to(model.device)
        with torch.no_grad(), without_their_warnings():
            answered = model.generate(
                input_ids=asked["input_ids"],
                attention_mask=asked["attention_mask"],
                max_new_tokens=tokens,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
                use_cache=True,
                **(drawn if temperature else {"do_sample": False}),
            )
        begin = asked["input_ids"].shape[1]
        texts += tokenizer.batch_decode(answered[:, begin:], skip_special_tokens=True)
    return texts
