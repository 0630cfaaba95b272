"""The tokenizer: WordPiece over lower-cased, accent-free NFKD text, one token per Chinese character.

It is trained here and saved as a plain `tokenizer.json`, so that any
implementation of the Hugging Face format reads it without extra code.
"""

import json
import re

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

PAD, UNK, CLS, SEP = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIALS = [PAD, UNK, CLS, SEP]
MAX_TOKENS = 160

# Letters of Han script and every symbol (emoji included) stand alone; a run of
# digits is one piece before WordPiece cuts it.
HAN = r"\p{Han}"
STRETCHED = "aeioushlmnrwyz!?.~。！？…哈好啊呵"
SYMBOL = r"[\p{So}\p{Sk}\p{Sm}\p{Sc}]"


def build(texts, size, min_frequency=2):
    """A tokenizer of about `size` pieces, trained on `texts`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK, max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.Lowercase(),
            normalizers.StripAccents(),
            # "don't", "don’t" and the careless "dont" become one word.
            normalizers.Replace(Regex("['\u2019`\u00b4]"), ""),
            # Variation selectors and joiners carry no meaning here.
            normalizers.Replace(Regex("[\ufe0f\u200d\u200b]"), ""),
            # "soooo" and "!!!!" are cut to two: stretched words meet their plain form.
            *[normalizers.Replace(Regex(re.escape(c) + "{3,}"), c * 2) for c in STRETCHED],
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(HAN), "isolated"),
            pre_tokenizers.Split(Regex(SYMBOL), "isolated"),
            pre_tokenizers.Split(Regex(r"\p{P}"), "isolated"),
            pre_tokenizers.Split(Regex(r"[0-9]"), "isolated"),
        ]
    )
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=min_frequency,
        special_tokens=SPECIALS,
        continuing_subword_prefix="##",
        limit_alphabet=size // 2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B {SEP}",
        special_tokens=[(CLS, SPECIALS.index(CLS)), (SEP, SPECIALS.index(SEP))],
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def save(tokenizer, path):
    """Writes compact JSON; the pretty form is a third larger."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(json.loads(tokenizer.to_str()), file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
