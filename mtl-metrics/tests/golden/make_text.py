"""Makes text.json and speech.json: texts scored by the reference programs.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2 jiwer==4.0.0
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_text.py

Every corpus is scored by every setting; a value is null where our metric is not defined on purpose (see the tables in
text/mod.rs and speech/mod.rs), and the reference's own answer stands beside it as "theirs".
"""

import json
import pathlib
import random
from importlib.metadata import version

import jiwer
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

rng = random.Random(20261125)
HERE = pathlib.Path(__file__).parent
WORDS = (
    "the a cat dog sat on mat house runs quickly 3.14 1,000 it's U.S. co-op 10-20 $5 (maybe) \"yes\" end. what? no! "
    "e.g., x&y a/b 50% foo_bar caf\u00e9 na\u00efve \u00fcber don't #tag @home 7-up <tag> [x] 2nd ..."
).split()
ZH = "\u6211\u4eec\u4eca\u5929\u53bb\u5317\u4eac\u770b\u957f\u57ce\uff0c\u5929\u6c14\u5f88\u597d\u3002\u4f60\u5462\uff1f"


def sentence(n, vocabulary=WORDS):
    return " ".join(rng.choice(vocabulary) for _ in range(n))


def mutated(text, rate, vocabulary=WORDS):
    words = []
    for word in text.split(" "):
        dice = rng.random()
        if dice < rate / 3:
            continue
        words.append(rng.choice(vocabulary) if dice < 2 * rate / 3 else word)
        if dice > 1 - rate / 3:
            words.append(rng.choice(vocabulary))
    if len(words) > 4 and rng.random() < rate:  # a block moves
        i, j = sorted(rng.sample(range(len(words)), 2))
        block = words[i:j]
        rest = words[:i] + words[j:]
        at = rng.randrange(len(rest) + 1)
        words = rest[:at] + block + rest[at:]
    return " ".join(words)


def chinese(n):
    return "".join(rng.choice(ZH) for _ in range(n))


corpora = []


def corpus(name, hypotheses, references):
    corpora.append(dict(name=name, hypotheses=hypotheses, references=references))


for n, rate in [(1, 0.2), (3, 0.1), (6, 0.4), (8, 0.8), (10, 0.3)]:
    truth = [sentence(rng.randrange(1, 25)) for _ in range(n)]
    corpus(f"one reference, {n} texts, {rate} changed", [mutated(t, rate) for t in truth], [[t] for t in truth])
for n_references in (2, 3, 4):
    truth = [sentence(rng.randrange(3, 18)) for _ in range(4)]
    references = [[mutated(t, 0.3) for _ in range(n_references)] for t in truth]
    corpus(f"{n_references} references", [mutated(t, 0.3) for t in truth], references)
few = "a b c d".split()
truth = [sentence(rng.randrange(5, 40), few) for _ in range(6)]
corpus("few words, many ties", [mutated(t, 0.6, few) for t in truth], [[t] for t in truth])
corpus("small n", ["a b"], [["a b"]])
corpus("one word", ["a"], [["a"]])
corpus("nothing right", ["x y z w", "v"], [["a b c d"], ["e"]])
corpus("empty hypothesis", ["", "a b c d e"], [["a b c"], ["a b c d f"]])
corpus("all hypotheses empty", ["", " "], [["a b c"], ["d"]])
corpus("empty reference", ["a b", "a b c d"], [[""], ["a b c d"]])
corpus("all references empty", ["a b", ""], [[""], ["  "]])
corpus("everything empty", [""], [[""]])
corpus("equal", [sentence(12), sentence(3)], None)
corpora[-1]["references"] = [[h] for h in corpora[-1]["hypotheses"]]
corpus("blanks of many kinds", ["a\tb  c\u00a0d\u3000e ", " a b\u2009c "], [["a b c d e"], ["a  b c"]])
corpus("entities and lines", ["a &quot;b&quot; &amp;lt; c-\nd\ne <skipped>f", "it's x's y."], [["a \"b\" &lt; c d e f"], ["it's x's z ."]])
corpus("points", ["1.5 .5 5. a.b, 1,2 ,3 ... 5-6 a-5 5-a", "...,,.,"], [["1.5 . 5 5 . a.b , 1,2 ,3 .. 5 - 6 a-5 5- a"], [".,,.,..,"]])
corpus("case", ["The CAT Sat \u0130\u03a3 \u00dcBER"], [["the cat sat i\u0307\u03c2 \u00fcber"]])
for n in (1, 3, 5):
    truth = [chinese(rng.randrange(4, 30)) for _ in range(n)]
    corpus(f"Chinese, {n} texts", [chinese(5) + t[3:] for t in truth], [[t] for t in truth])
corpus("Chinese with English", ["\u6211\u7231NLP, \u548c BLEU 3.5\u5206\u3002", "\u2014\u2014\u201c\u597d\u201d\u2026"], [["\u6211\u559c\u6b22NLP\uff0c\u548cBLEU 3.5 \u5206\u3002"], ["\u2014\u201c\u597d\u201d\u2026\u2026"]])
corpus("Japanese and Korean", ["\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u3002\u30c6\u30b9\u30c8", "\uc548\ub155 \uc138\uacc4!"], [["\u3053\u3093\u3070\u3093\u306f\u4e16\u754c\u3002\u30c6\u30b9\u30c8\u3060"], ["\uc548\ub155, \uc138\uacc4"]])
corpus("signs", ["\u00ab1,5\u20ac\u00bb \u2014 x\u00b2+y\u00b2=z\u00b2; \u2162. \u00bd, 3\u00d74", "a\u0301b \U0001f600! \u00bfqu\u00e9?"], [["\u00ab 1,5 \u20ac \u00bb \u2013 x\u00b2 + y\u00b2 = z\u00b2 ; \u2162 . \u00bd , 3 \u00d7 4"], ["\u00e1b \U0001f600 ! \u00bf qu\u00e9 ?"]])
a, b, c = "a b c d e f", "g h i j k", "l m n o"
corpus("a block moved far", [f"{b} {c} {a}", f"{c} {b} {a}", f"{a} {a} {b}"], [[f"{a} {b} {c}"], [f"{a} {b} {c}"], [f"{b} {a} {a}"]])
long = " ".join(f"w{i}" for i in range(70))
corpus("lengths far apart", ["w3 w9", long, " ".join(long.split()[60:] + long.split()[:60])], [[long], ["w3"], [long]])
corpus("summaries", ["one two three\nfour five\n\nsix seven three", "a b c d e\nf g"], [["one three two\nfour six\nseven"], ["a c e\nb d f g g"]])
corpus("summaries of several", ["w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"], [["w1 w2 w3 w4 w5", "w1 w9\nw8 w5", "\n\n"]])

bleus = [dict(tokenize=t) for t in ("13a", "zh", "intl", "char", "none")]
bleus += [dict(smooth_method=m, smooth_value=v) for m, v in [("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 0.5)]]
bleus += [dict(max_ngram_order=2), dict(max_ngram_order=6, smooth_method="add-k"), dict(lowercase=True), dict(effective_order=True), dict(effective_order=True, smooth_method="floor")]
chrfs = [dict(), dict(word_order=2), dict(word_order=1, beta=1), dict(char_order=3, lowercase=True), dict(whitespace=True), dict(eps_smoothing=True, word_order=2)]
ters = [dict(), dict(normalized=True), dict(no_punct=True), dict(case_sensitive=True), dict(normalized=True, no_punct=True, asian_support=True)]
rouges = ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"]

for case in corpora:
    hypotheses, references = case["hypotheses"], case["references"]
    n = max(len(r) for r in references)
    streams = [[r[k] if k < len(r) else None for r in references] for k in range(n)]
    no_words = not any(r.split() for rs in references for r in rs)
    case["bleu"], case["chrf"], case["ter"], case["rouge"] = [], [], [], []
    for settings in bleus:
        score = BLEU(force=True, **settings).corpus_score(hypotheses, streams)
        # Counts are taken before add-k changes them in place.
        plain = BLEU(force=True, **{k: v for k, v in settings.items() if not k.startswith("smooth")}).corpus_score(hypotheses, streams)
        case["bleu"].append(dict(score=None if no_words else score.score, theirs=score.score, matches=plain.counts, totals=plain.totals, lens=[score.sys_len, score.ref_len], bp=score.bp, precisions=score.precisions))
    for settings in chrfs:
        score = CHRF(**settings).corpus_score(hypotheses, streams).score
        blank = no_words and not (settings.get("whitespace") and any(r for rs in references for r in rs))
        case["chrf"].append(dict(score=None if blank else score, theirs=score))
    for settings in ters:
        score = TER(**settings).corpus_score(hypotheses, streams)
        case["ter"].append(dict(score=score.score if score.ref_length > 0 else None, theirs=score.score, edits=score.num_edits, words=score.ref_length))
    for kind in rouges:
        scorer = rouge_scorer.RougeScorer([kind])
        scores = [scorer.score_multi(r, h)[kind] for h, r in zip(hypotheses, references)]
        case["rouge"].append([sum(s[k] for s in scores) / len(scores) for k in range(3)])

versions = {name: version(name) for name in ("sacrebleu", "rouge-score", "jiwer", "rapidfuzz", "regex")}
out = dict(versions=versions, bleus=bleus, chrfs=chrfs, ters=ters, rouges=rouges, cases=corpora)
(HERE / "text.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")

# Transcripts.
cases = []
LETTERS = "ab cd"


def transcripts(name, hypotheses, references):
    case = dict(name=name, hypotheses=hypotheses, references=references)
    for unit, process, rate in [("words", jiwer.process_words, "wer"), ("characters", jiwer.process_characters, "cer")]:
        out = process(references, hypotheses)
        n = out.hits + out.substitutions + out.deletions
        values = [getattr(out, rate)]
        if unit == "words":
            values += [out.mer, out.wil, out.wip]
        case[unit] = dict(counts=[out.hits, out.substitutions, out.deletions, out.insertions], values=[None] * len(values) if n == 0 else values, theirs=values)
        if unit == "words":
            chunks = []
            for alignment in out.alignments:
                text = ""
                for c in alignment:
                    letter = dict(equal="=", substitute="s", delete="d", insert="i")[c.type.replace("replace", "substitute")]
                    text += letter * max(c.ref_end_idx - c.ref_start_idx, c.hyp_end_idx - c.hyp_start_idx)
                chunks.append(text)
            case["alignments"] = chunks
    cases.append(case)


for case in corpora:
    one = [r[0] for r in case["references"]]
    if case["name"] not in ("blanks of many kinds", "entities and lines") and "\n" not in "".join(one + case["hypotheses"]):
        transcripts(case["name"], case["hypotheses"], one)
for k in range(24):
    truth = ["".join(rng.choice(LETTERS) for _ in range(rng.randrange(1, 60))) for _ in range(3)]
    transcripts(f"few letters {k}", ["".join(rng.choice(LETTERS) if rng.random() < 0.4 else c for c in t if rng.random() > 0.2) for t in truth], truth)
for n in (63, 64, 65, 128, 200):
    truth = " ".join(rng.choice(few) for _ in range(n))
    transcripts(f"{n} words", [mutated(truth, 0.5, few)], [truth])
out = dict(versions=versions, cases=cases)
(HERE / "speech.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(corpora), len(cases))
