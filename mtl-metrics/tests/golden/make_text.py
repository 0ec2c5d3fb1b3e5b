"""Makes text.json and speech.json: texts scored by the reference programs.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2 nltk==3.10.4 jiwer==4.0.0
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_text.py

Every corpus is scored by every setting; a value is null where our metric is not defined on purpose (see the tables in
text/mod.rs and speech/mod.rs), and the reference's own answer stands beside it as "theirs". Stems are those of NLTK's
PorterStemmer, which rouge-score takes.
"""

import json
import pathlib
import random
from importlib.metadata import version

import jiwer
from nltk.stem.porter import PorterStemmer
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


written = set()


def corpus(name, hypotheses, references):
    corpora.append(dict(name=name, hypotheses=hypotheses, references=references))


def written_only(name, hypotheses, references):
    """A corpus that is no transcript."""
    written.add(name)
    corpus(name, hypotheses, references)


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

written_only("a short hypothesis", ["the cat"], [["the cat sat on the mat"]])
written_only("three words of several references", ["a cat sat"], [["the cat sat down", "a cat sat", "cats sit on mats every day"]])
written_only("the same word again", ["the the the the the the the"], [["the cat is on the mat", "there is a cat on the mat"]])
written_only("references of unequal number", ["a b c", "d e f g"], [["a b d"], ["d e f", "d f g e", "g f e d"]])
written_only("empty among references", ["a b c d", ""], [["", "a b c d e"], ["x", ""]])
written_only("inflected", [
    "The committees were organizing meetings regularly, hoping that agreements could be finalized quickly.",
    "Dying skies and lying flies tied the innings; news of proceeding outings exceeded expectations.",
    "Hopefully aging theologies of generalized oscillators will joyfully employ skiing spies.",
], [
    ["A committee organized regular meetings in the hope that an agreement would be finally reached."],
    ["The sky died, the fly lied, and ties in an inning proceeded to exceed what outing news expected.", "No news."],
    ["One hopes an aged theology that generalizes oscillation is joyful, employed, skied and spied."],
])
written_only("inflected summaries", [
    "Police arrested several protesters.\nThe protesters had been marching peacefully.\nOfficials denied accusations.",
    "Rates are rising\nBanks borrowed",
], [
    ["Several protesters were arrested by the police.\nAn official denies the accusation.\nThey marched in peace."],
    ["The bank borrows.\nThe rate rose; rates rise."],
])
written_only("numbers", ["1,234.56 12:30 3/4 50% $5.00 5-7 -3 +4 1e-5 2nd A4 x2"], [["1,234.56 12.30 3/4 50 % $ 5.00 5 - 7 -3 +4 1e-5 2nd A 4 x 2"]])
written_only("digits of other scripts", ["\u0663\u066b\u0661\u0664, \u0967.\u0968 \uff11\uff0e\uff15 \u4e09.\u4e94"], [["\u0663\u066b\u0661\u0664 , \u0967 . \u0968 \uff11 \uff0e \uff15 \u4e09 . \u4e94"]])
written_only("quotes and dashes", ["\u201cHe\u2019s\u201d \u2014 \u2018no\u2019\u2026 \u2013 co\u2010op (a) [b] {c} <d>"], [["\"He's\" - 'no'... - co-op ( a ) [ b ] { c } < d >"]])
written_only("marks and joiners", ["e\u0301te\u0301 \u0928\u092e\u0938\u094d\u0924\u0947 a\u200db \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u202b\u05e9\u05dc\u05d5\u05dd\u202c"], [["\u00e9t\u00e9 \u0928\u092e\u0938\u094d\u0924\u0947 ab \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \U0001f468 \u05e9\u05dc\u05d5\u05dd"]])
written_only("capitals of many scripts", ["\u0391\u0398\u0397\u039d\u0391\u03a3 STRASSE \u0416\u0423\u041a \u01c5 \ufb01ne"], [["\u03b1\u03b8\u03b7\u03bd\u03b1\u03c2 stra\u00dfe \u0436\u0443\u043a \u01c6 fine"]])
written_only("beyond the first plane", ["\U00020000\U0002a6d6\u4e2d\U0001d11e\U00010348"], [["\U00020000 \u4e2d \U0001d11e"]])
written_only("addresses", ["see http://a.b/c?d=e&f#g or x.y@z.org, v1.2.3-rc.4!"], [["see http://a.b/c?d=f&e#g or x@z.org , v1.2.3 rc4 !"]])
words = "one two three four five six seven eight nine ten".split()
written_only("long", [" ".join(words[i * i % 10] for i in range(300))], [[" ".join(words[(i * i + i // 50) % 10] for i in range(310))]])

bleus = [dict(tokenize=t) for t in ("13a", "zh", "intl", "char", "none")]
bleus += [dict(smooth_method=m, smooth_value=v) for m, v in [("none", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 0.5)]]
bleus += [dict(max_ngram_order=2), dict(max_ngram_order=6, smooth_method="add-k"), dict(lowercase=True), dict(effective_order=True), dict(effective_order=True, smooth_method="floor")]
bleus += [dict(tokenize="intl", effective_order=True), dict(tokenize="char", effective_order=True, smooth_method="none"), dict(tokenize="zh", smooth_method="floor"), dict(tokenize="none", lowercase=True, smooth_method="add-k")]
chrfs = [dict(), dict(word_order=2), dict(word_order=1, beta=1), dict(char_order=3, lowercase=True), dict(whitespace=True), dict(eps_smoothing=True, word_order=2)]
ters = [dict(), dict(normalized=True), dict(no_punct=True), dict(case_sensitive=True), dict(normalized=True, no_punct=True, asian_support=True)]
rouges = ["rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"]

for case in corpora:
    hypotheses, references = case["hypotheses"], case["references"]
    n = max(len(r) for r in references)
    streams = [[r[k] if k < len(r) else None for r in references] for k in range(n)]
    no_words = not any(r.split() for rs in references for r in rs)
    case["bleu"], case["chrf"], case["ter"], case["rouge"], case["stemmed"] = [], [], [], [], []

    def scored(ours, theirs, **more):
        return dict(score=ours, **more) if ours == theirs else dict(score=ours, theirs=theirs, **more)

    for settings in bleus:
        score = BLEU(force=True, **settings).corpus_score(hypotheses, streams)
        # Counts are taken before add-k changes them in place.
        plain = BLEU(force=True, **{k: v for k, v in settings.items() if not k.startswith("smooth")}).corpus_score(hypotheses, streams)
        case["bleu"].append(scored(None if no_words else score.score, score.score, matches=plain.counts, totals=plain.totals, lens=[score.sys_len, score.ref_len], bp=score.bp, precisions=score.precisions))
    for settings in chrfs:
        score = CHRF(**settings).corpus_score(hypotheses, streams).score
        blank = no_words and not (settings.get("whitespace") and any(r for rs in references for r in rs))
        case["chrf"].append(scored(None if blank else score, score))
    for settings in ters:
        score = TER(**settings).corpus_score(hypotheses, streams)
        case["ter"].append(scored(score.score if score.ref_length > 0 else None, score.score, edits=score.num_edits, words=score.ref_length))
    for kind in rouges:
        for key, use_stemmer in (("rouge", False), ("stemmed", True)):
            scorer = rouge_scorer.RougeScorer([kind], use_stemmer=use_stemmer)
            scores = [scorer.score_multi(r, h)[kind] for h, r in zip(hypotheses, references)]
            case[key].append([sum(s[k] for s in scores) / len(scores) for k in range(3)])

# Words for the stemmer: those of Porter's paper, the irregular ones, roots with every ending, and letters at random.
PAPER = """caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling
hissing fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer conformabli radicalli
differentli vileli analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti
sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference
airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate
angulariti homologous effective bowdlerize probate rate cease controll roll generalizations oscillators""".split()
IRREGULAR = """sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed proceeds
dies died tied ties flies fly spy spied toy toys say says enjoy enjoyed enjoyment aging ageing skiing eyeing yes yyy syzygy
theology theologi analogously hopefully hopefulli nationally nationalli finally alli bli ion ions ness full fulli bally
sses ies ied eed ing seed agree freed a an is be bed beds red king 2nd 2nding x1ed 1ies aed ooed added""".split()
ROOTS = "nation oper hop adopt gener electr control sens form relat fluid rapp troubl siz act defin commun tall syz why play ally".split()
ENDINGS = """s es ed ing ied ies er ers ly al ally ation ational ations ator ative ator ism ist ity ities ive iveness ize ized izer ization
ful fully fulness ous ously ousness able ability ible ibility ance ancy ence ency ant ent ement ments ment ness ical icate iciti y
ying yed e eed ll lli logi logy""".split()
letters = random.Random(1980)
some = ["".join(letters.choice("aeiouybcdlnrst") for _ in range(letters.randrange(1, 6))) + letters.choice(ENDINGS) for _ in range(220)]
every = [root + ending for root in ROOTS for ending in ENDINGS]
vocabulary = sorted({*PAPER, *IRREGULAR, *some, *letters.sample(every, 400)})
stemmer = PorterStemmer()
stems = [[word, stemmer.stem(word)] for word in vocabulary]

versions = {name: version(name) for name in ("sacrebleu", "rouge-score", "nltk", "jiwer", "rapidfuzz", "regex")}
out = dict(versions=versions, bleus=bleus, chrfs=chrfs, ters=ters, rouges=rouges, cases=corpora, stems=stems)
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
    if case["name"] not in {"blanks of many kinds", "entities and lines"} | written and "\n" not in "".join(one + case["hypotheses"]):
        transcripts(case["name"], case["hypotheses"], one)
for k in range(24):
    truth = ["".join(rng.choice(LETTERS) for _ in range(rng.randrange(1, 60))) for _ in range(3)]
    transcripts(f"few letters {k}", ["".join(rng.choice(LETTERS) if rng.random() < 0.4 else c for c in t if rng.random() > 0.2) for t in truth], truth)
for n in (63, 64, 65, 128, 200):
    truth = " ".join(rng.choice(few) for _ in range(n))
    transcripts(f"{n} words", [mutated(truth, 0.5, few)], [truth])
out = dict(versions=versions, cases=cases)
(HERE / "speech.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(corpora), len(cases), len(stems))
