"""The rules of docs/memory.md, written out once more: slow, plain, and sharing no code.

Everything is a Python number in a dict; each step multiplies every importance, and each recall
scores every memory. Constants are typed here again, not read from `memory.profiles`.
"""

import math
from hashlib import blake2b

NEXT = {"short": "mid", "mid": "long"}
PREVIOUS = {"mid": "short", "long": "mid"}

RULES = {
    "layered": {
        "Q": {"short": 14, "mid": 90, "long": 365, "reflection": 365},
        "alpha": {"short": 0.92, "mid": 0.992, "long": 0.996, "reflection": 0.99},
        "v0": {"short": {50: 1}, "mid": {60: 1}, "long": {90: 1}, "reflection": {80: 1}},
        "up": {"short": 60, "mid": 85},
        "down": {"mid": 35, "long": 30},
        "feedback": lambda memory, f: memory["v"] + 18 * f,
        "skip": 0.95,
    },
    "investorbench": {
        "Q": {"short": 3, "mid": 90, "long": 365, "reflection": 365},
        "alpha": {"short": 0.92, "mid": 0.96, "long": 0.96, "reflection": 0.98},
        "v0": {"short": {50: 1}, "mid": {60: 1}, "long": {90: 1}, "reflection": {80: 1}},
        "up": {"short": 55, "mid": 85},
        "down": {"mid": 55, "long": 85},
        "feedback": lambda memory, f: memory["v"] + 18 * f,
        "skip": 0.95,
    },
    "finmem": {
        "Q": {"short": 3, "mid": 90, "long": 365, "reflection": 365},
        "alpha": {"short": 0.92, "mid": 0.967, "long": 0.988, "reflection": 0.988},
        "v0": {
            "short": {50: 0.5, 70: 0.45, 90: 0.05},
            "mid": {40: 0.05, 60: 0.8, 80: 0.15},
            "long": {40: 0.05, 60: 0.15, 80: 0.8},
            "reflection": {40: 0.05, 60: 0.15, 80: 0.8},
        },
        "up": {"short": 60, "mid": 80},
        "down": {"mid": 60, "long": 80},
        "feedback": lambda memory, f: memory["v"] + 5 * memory["c"],
        "skip": None,
        "defective candidates": True,
    },
    "paper": {
        "Q": {"short": 14, "mid": 90, "long": 365},
        "alpha": {"short": 0.9, "mid": 0.967, "long": 0.988},
        "v0": {
            "short": {40: 0.8, 60: 0.15, 80: 0.05},
            "mid": {40: 0.05, 60: 0.8, 80: 0.15},
            "long": {40: 0.05, 60: 0.15, 80: 0.8},
        },
        "up": {},
        "down": {},
        "feedback": lambda memory, f: memory["v"] + 5 * f,
        "skip": None,
    },
    "single": {
        "Q": {"all": 90},
        "alpha": {"all": 0.992},
        "v0": {"all": {60: 1}},
        "up": {},
        "down": {},
        "feedback": lambda memory, f: memory["v"] + 18 * f,
        "skip": None,
    },
    "off": {
        "Q": {"today": 14},
        "alpha": {"today": 0.92},
        "v0": {"today": {50: 1}},
        "up": {},
        "down": {},
        "feedback": lambda memory, f: memory["v"] + 18 * f,
        "skip": None,
        "keeps nothing": True,
    },
}


class PlainMemory:
    """A list of dicts; `vectors` gives a text's vector as a list of floats."""

    def __init__(self, profile, vectors, seed=0):
        self.rules = RULES[profile]
        self.vectors = vectors
        self.seed = seed
        self.memories = []
        self.next_id = 0
        self.cosines = {}

    def add(self, texts, layer):
        ids = []
        for text in texts:
            twin = self.twin(text) if layer == "reflection" and self.rules["skip"] else None
            if twin is not None:
                ids.append(twin)
                continue
            self.memories.append({
                "id": self.next_id, "text": text, "layer": layer, "delta": 0, "r": 1.0,
                "v": self.draw(layer, self.next_id), "c": 0,
            })  # fmt: skip
            ids.append(self.next_id)
            self.next_id += 1
        return ids

    def twin(self, text):
        found = [
            (-round(self.cosine(text, memory["text"]), 12), memory["id"])
            for memory in self.memories
            if memory["layer"] == "reflection"
        ]
        cosine, id = min(found, default=(0.0, None))
        return id if -cosine >= self.rules["skip"] else None

    def draw(self, layer, id):
        values = self.rules["v0"][layer]
        digest = blake2b(f"{self.seed}:{id}".encode(), digest_size=8).digest()
        chance = int.from_bytes(digest, "big") / 2**64 if len(values) > 1 else 0.0
        total = 0.0
        for value, probability in values.items():
            total += probability
            if chance < total:
                return float(value)
        raise AssertionError("probabilities add up to 1")

    def recall(self, queries, k):
        found = {}
        for layer in self.rules["Q"]:
            scored = []
            for memory in self.memories:
                if memory["layer"] == layer:
                    cosine = max(self.cosine(query, memory["text"]) for query in queries)
                    standing = memory["r"] + min(memory["v"], 100.0) / 100.0
                    scored.append((cosine + standing, cosine, standing, memory))
            if self.rules.get("defective candidates"):
                by_cosine = sorted(scored, key=lambda s: (-round(s[1], 12), s[3]["id"]))
                by_standing = sorted(scored, key=lambda s: (round(s[2], 12), s[3]["id"]))
                seen = {s[3]["id"] for s in by_cosine[:k] + by_standing[:k]}
                scored = [s for s in scored if s[3]["id"] in seen]
            scored.sort(key=lambda s: (-round(s[0], 12), s[3]["id"]))
            found[layer] = [
                (m["id"], m["text"], score, cosine, m["r"], m["v"])
                for score, cosine, _, m in scored[:k]
            ]
        return found

    def reinforce(self, ids, f):
        present = []
        for memory in self.memories:
            if memory["id"] in ids:
                memory["c"] += f
                memory["v"] = self.rules["feedback"](memory, f)
                present.append(memory["id"])
        return present

    def forget(self, ids):
        gone = sorted(memory["id"] for memory in self.memories if memory["id"] in ids)
        self.memories = [memory for memory in self.memories if memory["id"] not in ids]
        return gone

    def step(self):
        for memory in self.memories:
            memory["delta"] += 1
            memory["r"] = math.exp(-memory["delta"] / self.rules["Q"][memory["layer"]])
            memory["v"] *= self.rules["alpha"][memory["layer"]]
        keeps_nothing = self.rules.get("keeps nothing", False)
        deleted = [m["id"] for m in self.memories if keeps_nothing or m["r"] < 0.05 or m["v"] < 5]
        self.memories = [m for m in self.memories if m["id"] not in deleted]
        for _ in range(2):
            self.jump("short", "up")
            self.jump("mid", "down")
            self.jump("mid", "up")
            self.jump("long", "down")
        return deleted

    def jump(self, layer, direction):
        threshold = self.rules[direction].get(layer)
        for memory in self.memories if threshold is not None else []:
            if memory["layer"] != layer:
                continue
            if direction == "up" and memory["v"] >= threshold:
                memory.update(layer=NEXT[layer], delta=0, r=1.0)
            if direction == "down" and memory["v"] < threshold:
                memory.update(layer=PREVIOUS[layer])

    def cosine(self, one, other):
        if (one, other) not in self.cosines:
            a, b = self.vectors(one), self.vectors(other)
            product = math.fsum(x * y for x, y in zip(a, b, strict=True))
            lengths = math.fsum(x * x for x in a) * math.fsum(y * y for y in b)
            self.cosines[one, other] = product / math.sqrt(lengths)
        return self.cosines[one, other]
