"""Labelled feedback from the grammars in data/, and noise that makes lines look typed by people."""

import pathlib
import random
import re

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
DATA = pathlib.Path(__file__).resolve().parent / "data"

EMOJI = {
    NEGATIVE: "😡 😠 😤 👎 😞 😢 😭 🤬 💩 🙄 😒 😩 🤮 😣 ☹️ 💔 🤦 😑 :( >:( :-( :/".split(),
    NEUTRAL: "🤔 😐 🙂 ℹ️ 📦 📅 ❓ ☎️".split(),
    POSITIVE: "😍 😊 👍 ❤️ 🎉 😀 😄 🥰 👏 🙌 💯 ✨ 🔥 😁 🤩 🌟 ⭐ 💪 🙏 😋 💖 :) :-) :D <3".split(),
}
EMOJI_ZH = {
    NEGATIVE: "[怒] [吐] [流泪] [差] [发怒]".split(),
    NEUTRAL: "[疑问] [思考]".split(),
    POSITIVE: "[赞] [强] [爱心] [鼓掌] [玫瑰] [微笑] [呲牙]".split(),
}


class Grammar:
    """Rules of one language."""

    def __init__(self, path):
        self.rules = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or not line.strip():
                continue
            name, body = line.split(":", 1)
            self.rules.setdefault(name.strip(), []).extend(part.strip() for part in body.split("|"))

    def expand(self, name, rng):
        text = rng.choice(self.rules[name])
        while (match := re.search(r"\{([a-z.]+)\}", text)) is not None:
            text = text[: match.start()] + self.expand(match.group(1), rng) + text[match.end() :]
        return text


ROOT = {NEGATIVE: "NEG", NEUTRAL: "NEU", POSITIVE: "POS"}
EN, ZH = Grammar(DATA / "en.grammar"), Grammar(DATA / "zh.grammar")


def english(rng):
    """(text, soft label)."""
    label = rng.choice([NEGATIVE, NEUTRAL, POSITIVE])
    clause = lambda kind: re.sub(r"\s+", " ", EN.expand(ROOT[kind], rng)).strip()
    roll = rng.random()
    if roll < 0.45:
        parts, target = [clause(label)], label
    elif roll < 0.85 or label == NEUTRAL:
        count = 2 if rng.random() < 0.7 else 3
        parts, target = [clause(label) for _ in range(count)], label
        if label != NEUTRAL and rng.random() < 0.35:
            # A fact beside an opinion does not change the opinion.
            parts.insert(rng.randrange(len(parts) + 1), EN.expand("fact", rng))
    else:
        first = clause(POSITIVE if label == NEGATIVE else NEGATIVE)
        link = rng.choice([" but ", ", but ", ", however ", ". But ", ". Unfortunately, " if label == NEGATIVE else ". In the end ", ", yet ", " although " if rng.random() < 0.2 else ", still, "])
        if link == " although ":
            target = lean(POSITIVE if label == NEGATIVE else NEGATIVE)
        else:
            target = lean(label)
        return finish(first + link + clause(label), None, rng), target
    glue = rng.choice([". ", ". ", ", ", " and ", "! " if label != NEUTRAL else ". ", "; ", " - ", "... "])
    text = ""
    for part in parts:
        if not text:
            text = part
        elif text[-1] in "?!.":
            text += " " + part
        else:
            text += glue + part
    return finish(text, label, rng), target


def lean(label):
    """Contrast leans to its last half without being sure."""
    return (0.72, 0.22, 0.06) if label == NEGATIVE else (0.08, 0.24, 0.68)


def finish(text, label, rng):
    """Case, final punctuation, emoji, typing slips."""
    style = rng.random()
    if style < 0.6:
        text = re.sub(r"(^|[.!?] )([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)
    elif style < 0.64 and label != NEUTRAL:
        text = text.upper()
    elif style < 0.75:
        text = text.replace("'", "")
    if rng.random() < 0.12:
        text = slips(text, rng)
    if text[-1] not in "?!." and rng.random() < 0.65:
        text += rng.choice([".", ".", ".", "!", "!!", "!!!"]) if label in (NEGATIVE, POSITIVE) else "."
    if label is not None and rng.random() < (0.1 if label != NEUTRAL else 0.03):
        text += " " + rng.choice(EMOJI[label]) * rng.choice([1, 1, 2, 3])
    return text


SHORT = {"you": "u", "your": "ur", "please": "pls", "because": "cuz", "great": "gr8", "thanks": "thx", "people": "ppl", "really": "rly", "with": "w/", "and": "&", "very": "v", "definitely": "definately", "receive": "recieve", "service": "servise", "disappointed": "dissapointed", "disappointing": "dissapointing", "restaurant": "resturant", "terrible": "terible", "horrible": "horible", "friendly": "freindly", "excellent": "excelent", "professional": "proffesional", "beautiful": "beatiful", "recommend": "reccomend", "customer": "costumer", "delicious": "delicous", "comfortable": "comfertable", "amazing": "amazin", "awful": "aweful", "experience": "experiance", "quality": "qualtiy", "worst": "wurst", "good": "gud", "going to": "gonna", "love": "luv"}


def slips(text, rng):
    """One or two typing slips."""
    words = text.split(" ")
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(words))
        word = words[at]
        if word.lower() in SHORT:
            words[at] = SHORT[word.lower()]
        elif len(word) > 4 and word.isalpha():
            i = rng.randrange(1, len(word) - 2)
            kind = rng.randrange(4)
            if kind == 0:
                word = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            elif kind == 1:
                word = word[:i] + word[i + 1 :]
            elif kind == 2:
                word = word[:i] + word[i] + word[i:]
            else:
                spot = [j for j, c in enumerate(word) if c in "aeiou"]
                word = word[: spot[-1]] + word[spot[-1]] * 3 + word[spot[-1] :] if spot else word
            words[at] = word
    return " ".join(words)


def chinese(rng):
    """(text, soft label)."""
    label = rng.choice([NEGATIVE, NEUTRAL, POSITIVE])
    clause = lambda kind: ZH.expand(ROOT[kind], rng).strip().replace(", ", ",")
    roll = rng.random()
    if roll < 0.4:
        parts, target = [clause(label)], label
    elif roll < 0.85 or label == NEUTRAL:
        count = 2 if rng.random() < 0.6 else 3
        parts, target = [clause(label) for _ in range(count)], label
        if label != NEUTRAL and rng.random() < 0.35:
            parts.insert(rng.randrange(len(parts) + 1), ZH.expand("fact", rng))
    else:
        first = clause(POSITIVE if label == NEGATIVE else NEGATIVE)
        link = rng.choice([",但是", ",但", ",不过", ",可惜" if label == NEGATIVE else ",好在", ",可是", ",然而", "。不过"])
        text = rng.choice(["", "", "虽然", "尽管"]) + first + link + clause(label)
        return finish_zh(text, None, rng), lean(label)
    glue = rng.choice([",", ",", "。", "!" if label != NEUTRAL else ",", " ", ";", "~" if label == POSITIVE else ","])
    text = ""
    for part in parts:
        text = part if not text else text + ("" if text[-1] in "?!。~" else glue) + part
    return finish_zh(text, label, rng), target


def finish_zh(text, label, rng):
    if text[-1] not in "?!。~" and rng.random() < 0.6:
        text += rng.choice(["。", "。", "!", "!!", "~"]) if label in (NEGATIVE, POSITIVE) else "。"
    if label is not None and rng.random() < (0.1 if label != NEUTRAL else 0.03):
        text += rng.choice(EMOJI[label] + EMOJI_ZH[label]) * rng.choice([1, 1, 2, 3])
    return text


def lines(count, seed):
    """`count` lines, half of each language."""
    rng = random.Random(seed)
    return [english(rng) if i % 2 == 0 else chinese(rng) for i in range(count)]


def written(path):
    """[(text, class, language)] of hand-written lines: `+`, `-` or `=` and the text, under `## language` heads."""
    marks, rows, lang = {"-": NEGATIVE, "=": NEUTRAL, "+": POSITIVE}, [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            lang = line.split()[1]
        elif line[:2] in ("- ", "= ", "+ "):
            rows.append((line[2:].strip(), marks[line[0]], lang))
    return rows
