"""The corpus of the tokenizer tests: more than 20,000 short texts as bytes, all of our own making, the same on every run.

Used by make_tokenizer_golden.py. A text may hold line breaks and bytes that are not UTF-8.
"""
import random
import unicodedata

SENTENCES = [
    "The kettle hums while the rain draws lines on the window.", "Nobody knows why the clock in the hall runs backwards.",
    "Der alte Bäcker öffnet früh, damit die Brötchen warm sind.", "Übermäßig große Füße passen nicht in kleine Schuhe.",
    "Le vieux phare s'éteint dès que l'aube paraît à l'ouest.", "Où est-ce que tu as laissé la clé d'hier, n'est-ce pas ?",
    "El niño soñó con un pingüino que tocaba la guitarra.", "¿Quién dejó abierta la puerta del jardín mañana?",
    "A avó contou três histórias antes do pão ficar pronto.", "La nonna ha già messo l'acqua sul fuoco, perché no?",
    "De buurman fietst elke ochtend naar de zee en terug.", "Gęsi szły żółtą ścieżką wzdłuż rzeki aż po świt.",
    "Žluťoučký kůň pomalu přešel přes starý dřevěný most.", "Mačka spí na streche a nikto ju nechce zobudiť.",
    "A hűvös őszi szélben zúgtak a nyárfák az út mentén.", "Bunica a pus țuică și brânză pe masa de lângă geam.",
    "Kuşlar göç ederken küçük İlhan ıslık çaldı, Iğdır'da.", "Çay soğumadan önce şekeri karıştırıp içtiler.",
    "Старый мост скрипел, когда мы шли домой ночью.", "Ёжик нашёл под ёлкой ещё одну шишку и съел её.",
    "Їжак приніс яблуко, ґава вкрала його з-під носа.", "Котката спи върху топлата печка цял следобед.",
    "Ђак је читао књигу док је киша лила по крову.", "Η γάτα κοιμάται στο παράθυρο όταν βρέχει έξω.",
    "Ὁ ἄνεμος φυσᾷ, καὶ ἡ θάλασσα οὐ σιγᾷ.", "Հին ջրաղացը դեռ պտտվում է գետի ափին։",
    "ძველი ხიდი ღამით ჭრიალებს და ვერავინ იძინებს.", "הילדה הקטנה ציירה בית כחול ליד הים.",
    "בְּרֹאשׁ הַגִּבְעָה עוֹמֵד עֵץ אֶחָד.", "تعزف الريح لحنًا قديمًا بين أوراق الشجر.", "كَتَبَ الوَلَدُ رِسالةً طويلةً إلى جَدِّهِ.",
    "گربه روی دیوار نشسته بود و به ماه نگاه می‌کرد.", "بارش کے بعد گلی میں بچے کاغذ کی کشتیاں چلاتے ہیں۔",
    "बारिश के बाद आँगन में मेंढक गाने लगते हैं।", "दादी ने रसोई में ३४ लड्डू छिपाकर रखे थे।", "বৃষ্টির পরে উঠোনে ব্যাঙ ডাকে সারা রাত।",
    "ਪਿੰਡ ਦੇ ਖੂਹ ਕੋਲ ਬੱਚੇ ਖੇਡ ਰਹੇ ਹਨ।", "વરસાદ પછી ખેતરમાં મોર નાચે છે.", "மழை நின்றதும் தெருவில் சிறுவர்கள் விளையாடினர்.",
    "వాన తగ్గాక పిల్లలు వీధిలో ఆడుకున్నారు.", "ಮಳೆ ನಿಂತ ಮೇಲೆ ಮಕ್ಕಳು ಬೀದಿಯಲ್ಲಿ ಆಡಿದರು.", "മഴ മാറിയപ്പോൾ കുട്ടികൾ മുറ്റത്ത് കളിച്ചു.",
    "වැස්ස නැවතුණු පසු ළමයි පාරේ සෙල්ලම් කළහ.", "แมวนอนอยู่บนหลังคาในตอนบ่ายที่ฝนตก", "ແມວນອນຢູ່ເທິງຫຼັງຄາໃນຕອນບ່າຍ",
    "ကြောင်သည် ခေါင်မိုးပေါ်တွင် အိပ်နေသည်။", "ឆ្មាដេកលើដំបូលផ្ទះពេលរសៀល។", "བྱི་ལ་ཁང་པའི་ཐོག་ལ་ཉལ་འདུག", "猫在屋顶上睡着了,雨还没有停。", "老爷爷每天早上去河边钓鱼,从不着急。",
    "貓咪趴在窗臺上看著雨滴慢慢滑落。", "猫は屋根の上で眠り、雨はまだ降っている。", "おばあさんは三時にコーヒーをいれて、ケーキを切った。", "カタカナトひらがなヲ混ゼテ書イテミル。",
    "고양이가 지붕 위에서 낮잠을 자고 있어요.", "할머니는 아침마다 강가에서 빨래를 하셨다.", "Mèo ngủ trên mái nhà, còn mưa thì vẫn chưa tạnh.",
    "Kucing itu tidur di atap sementara hujan belum reda.", "Ang pusa ay natutulog sa bubong habang umuulan.", "Paka analala juu ya paa wakati mvua inanyesha.",
    "Ológbò náà ń sùn lórí òrùlé nígbà tí òjò ń rọ̀.", "Kissa nukkuu katolla, vaikka vielä sataa räntää.", "Köttr sefur á þakinu meðan enn rignir á Íslandi.",
    "Katten sover på taket medan det ännu regnar åt öster.", "Tá an cat ina chodladh ar an díon agus é ag cur báistí.", "Mae'r gath yn cysgu ar y to tra bo hi'n bwrw glaw.",
    "Katua teilatuan lo dago, euria ari duen bitartean.", "Kaķis guļ uz jumta, kamēr vēl līst lietus.", "Katė miega ant stogo, kol dar lyja, ąžuolas ošia.",
    "Муур дээвэр дээр унтаж, бороо орсоор байна.", "Мысық шатырда ұйықтап жатыр, жаңбыр әлі жауып тұр.", "ድመቷ በጣሪያው ላይ ተኝታለች፤ ዝናቡም አልቆመም።", "ᏪᏌ ᎦᎵᎭ ᎦᏁᎸ ᎦᏚᎢ.",
]

CODE = [
    "def {a}({b}, {c}={n}):\n    return {b} * {c} + {n}  # {a}\n", "for {a} in range({n}):\n\tif {a} % {m} == 0:\n\t\tprint(f\"{{{a}}} -> {{{b}}}\")\n",
    "template <class {A}> auto {b}(const {A}& {c}) -> decltype({c}.{a}()) {{ return {c}.{a}(); }}", "std::vector<std::pair<int, {A}>> {a}{{{{{n}, {{}}}}}};\n#include <{b}.h>",
    "const {a} = async ({b}) => {{\r\n  await {c}?.[{n}] ?? `${{{b}}}`;\r\n}};", "fn {a}<'a>({b}: &'a str) -> Option<u{m}> {{ {b}.parse().ok() }}",
    "SELECT {a}.{b}, COUNT(*) FROM {c} WHERE id <> {n} GROUP BY 1;", "<div class=\"{a}-{b}\" id='{c}'>&nbsp;{n}&#x{m};</div>", "if [[ -n \"${a}\" ]]; then {b} --{c}={n} | grep -v '^#'; fi",
    "{{\"{a}\": [{n}, {m}.5e-{n}, null], \"{b}\": \"\\u00e9\\n{c}\"}}", "\\frac{{{a}_{n}}}{{\\sqrt{{{b}^{{{m}}}}}}} \\leq \\sum_{{i=0}}^{{\\infty}} {c}_i", "0x{n}f3A & ~(1ULL << {m}) | {a}->{b}[{c}++]",
    "package main\n\nimport \"{a}\"\n\nfunc {b}({c} *{A}) error {{ return nil }}", "{a} := map[string]interface{{}}{{\"{b}\": {n}}}  // {c}", "        {a}   =   {b} ;;    {c}\t\t= {n} ;", "@{a}.{b}('/{c}/<int:{m}>')\nclass {A}(Base): ...",
    "http://{a}.example.org:{n}/{b}/{c}?q={m}%20x&y=#top", "{a}_{b}.{c}@mail.example", "--{a}-{b}={n} -v -v -{m}", "| {a} | {b} |\n|---|:-:|\n| {n} | **{c}** |", "{a}/{b}/../{c}.tar.gz  {n}K  2031-0{m}-11T0{m}:{m}:00Z",
]
WORDS = ("alpha sum index user_name camelCase HTTPServer x y tmp tmp2 isValid MAX_LEN naïve größe value9 parse node left right "
         "queue3 fooBar __init__ self kIndex Ωmega ñandu π").split()
CONTRACTIONS = ["I'm", "you're", "we've", "she'll", "he'd", "it's", "don't", "o'clock", "'tis", "y'all'd've", "'S", "'LL", "'Re", "'vE", "'D", "'M", "'T", "'ſ", "'ſa",
                "'ſt", "'K", "'lL", "'Ll", "’s", "’ll", "'s's", "''s", "' s", "'", "''", "'\n's", "'1", "'re1", "'rest", "'tall", "'video", "'s\u0301", "x'ſ", "X'S", " 's", "\t'll", "\n've", "'é", "'₂", "'\u00a0s"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r", "\r\n", "\n\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2000", "\u2003", "\u2009", "\u200a", "\u200b", "\u2028",
          "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff"]
EMOJI = ["😀", "👍🏽", "👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇺🇳", "🇫🇷🇯🇵", "1️⃣", "#️⃣", "❤️", "☺︎", "🧑🏿‍🤝‍🧑🏻", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🫠", "👁️‍🗨️", "♟️", "🤷🏾‍♀️", "©", "™️", "🪿", "🫩", "🀄", "㊗️"]
MARKED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<repo_name>", "<file_sep>", "[MASK]", "<mark>", "<tool>", "<tool_call>", "<tool_call>x", "word", "Ångström",
          "A\u030angstro\u0308m", "<é>", "<|", "|>", "<|im_", "_start|>", "<|endoftext|><|endoftext|>", "<jupyter_code>", "longest", "longest match", "<unk>"]
SCRIPTS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x400), (0x400, 0x530), (0x530, 0x600), (0x600, 0x780), (0x780, 0x900), (0x900, 0xE00), (0xE00, 0x1000), (0x1000, 0x1100), (0x1100, 0x1200),
           (0x1200, 0x13A0), (0x13A0, 0x1680), (0x1680, 0x1800), (0x1800, 0x18B0), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x20D0), (0x2100, 0x2190), (0x2190, 0x2460), (0x2460, 0x2600), (0x2600, 0x27C0),
           (0x2C00, 0x2E00), (0x2E80, 0x3000), (0x3000, 0x3100), (0x3100, 0x3400), (0x4E00, 0x5200), (0x9F00, 0xA000), (0xA000, 0xA500), (0xA500, 0xA700), (0xA700, 0xAC00), (0xAC00, 0xAE00), (0xF900, 0xFB00),
           (0xFB00, 0xFE00), (0xFE00, 0x10000), (0x10000, 0x10400), (0x10400, 0x10A00), (0x10A00, 0x11000), (0x11000, 0x11700), (0x11700, 0x12000), (0x16A00, 0x16FF0), (0x1B000, 0x1B300), (0x1D000, 0x1D400),
           (0x1D400, 0x1D800), (0x1E000, 0x1F000), (0x1F000, 0x1FB00), (0x20000, 0x20100), (0x30000, 0x30100), (0xE0000, 0xE01F0), (0xF0000, 0xF0010), (0x10FF00, 0x110000)]
MARKS = ["\u0301", "\u0300", "\u0308", "\u030a", "\u0323", "\u0327", "\u0328", "\u0338", "\u0345", "\u0334", "\u05b0", "\u0651", "\u064e", "\u093c", "\u3099", "\u309a", "\u0f71", "\u0f72", "\u1dfa", "\u20d0", "\U0001d165", "\U0001d16d", "\U000110ba"]


def interesting_code_points():
    """Both sides of every change of general category, where tables of different Unicode versions part ways."""
    found, before = set(), None
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        category = unicodedata.category(chr(c))
        if category[0] != before:
            found.update(x for x in (c - 1, c) if x >= 0 and not 0xD800 <= x < 0xE000)
        before = category[0]
    return sorted(found)


def texts():
    r = random.Random(20261122)
    out = [""]
    word = lambda: r.choice(WORDS)
    number = lambda: str(r.randrange(10 ** r.randrange(1, 12)))

    for _ in range(3600):  # plain sentences, parts of them, and languages mixed
        a, b = r.choice(SENTENCES), r.choice(SENTENCES)
        k = r.randrange(6)
        words = a.split(" ")
        i = r.randrange(len(words))
        out.append([a, a[:r.randrange(len(a) + 1)], " ".join(words[i:i + 5]), " ".join(words[:2] + b.split(" ")[-2:]), a[r.randrange(len(a)):][:30].upper(), "  " + words[i] + r.choice(SPACES) + b[:20]][k])
    for _ in range(3200):
        a, b, c = word(), word(), word()
        out.append(r.choice(CODE).format(a=a, b=b, c=c, A=a.capitalize(), n=number(), m=r.randrange(1, 65)))
    for _ in range(4200):  # one script, or two, at random
        low, high = r.choice(SCRIPTS)
        low2, high2 = r.choice(SCRIPTS) if r.random() < 0.3 else (low, high)
        pick = lambda: chr(r.randrange(low, high) if r.random() < 0.7 else r.randrange(low2, high2))
        out.append("".join(pick() if r.random() < 0.85 else r.choice([" ", "1", "a", "'s", "\n", "."]) for _ in range(r.randrange(3, 16))))
    for i, c in enumerate(interesting_code_points()):
        x = chr(c)
        out.append([f"a{x}b {x} 1{x}2{x}{x}", f" {x}a  {x}1 '{x}", f"{x}{x} {x}\n!{x}x", f"'s{x}9\t{x} \n {x}"][i % 4])
    for _ in range(900):
        out.append("".join(r.choice(EMOJI) if r.random() < 0.6 else r.choice([" ", "ok", "!", "\u200d", "\ufe0f", "\u20e3", "7", "🏽"]) for _ in range(r.randrange(1, 7))))
    for _ in range(1700):
        out.append("".join(r.choice(SPACES) if r.random() < 0.6 else r.choice(["a", "B", "9", "'s", "!", "é", "字", "_", "\0", "\x07", "\x1b[0m", "\x7f", "\x9f", "\xad"]) for _ in range(r.randrange(1, 12))))
    for _ in range(1300):
        out.append(r.choice(["", " ", "x", "We", "é", "9 ", "\n"]) + r.choice(CONTRACTIONS) + r.choice(["", " ", "a", "\n", "1"]) + r.choice(CONTRACTIONS + WORDS))
    for _ in range(1500):  # combining marks and what composes
        base = ["a", "e", "O", "s", "ệ", "q", "क", "は", "ཀ", "ـ", "1", " ", "가", "ᄀ", "ᅡ", "ᆨ", "각", "Å", "ﬁ", "Ω", "豈", "ǖ", "ཱི", "\U0001d15e", "\U00011099", "\U0001d157"]
        out.append("".join(r.choice(base) + "".join(r.choice(MARKS) for _ in range(r.randrange(4))) for _ in range(r.randrange(1, 6))))
    for _ in range(1000):
        digits = r.choice(["0123456789", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "²³¹½⅓", "ⅠⅣⅫ", "①②⑩", "一二三", "𝟘𝟙𝟚", "0123456789abcdefABCDEF", "\U00011de0\U00011de5\U0001d7d8"])
        text = "".join(r.choice(digits) for _ in range(r.randrange(1, 18)))
        out.append(r.choice(["", " ", "x", "-", "$", "1,"]) + text + r.choice(["", ".", "%", " ", "st", ",000", "e-7", "\n"]))
    for _ in range(1900):
        parts = [r.choice(MARKED) if r.random() < 0.55 else r.choice([" ", "  ", "\t", "\n", "a", "1", "é", "-", "Word", "\u00a0 ", "user\nHi", "_", "\u0301"]) for _ in range(r.randrange(2, 9))]
        out.append("".join(parts))

    texts_as_bytes = [t.encode() for t in out]
    bad = [b"\xff", b"\xfe", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80", b"\x80", b"\xbf\xbf", b"\xf0\x80\x80\x80", b"\xc3", b"\xe1\x80", b"\xf1\x80\x80", b"\xf8\x88\x80\x80\x80"]
    for _ in range(1700):
        raw = bytearray(r.choice(texts_as_bytes)[:40])
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(raw) + 1)
            kind = r.randrange(4)
            if kind == 0:
                raw[at:at] = r.choice(bad)
            elif kind == 1 and raw:
                raw[at % len(raw)] = r.randrange(256)
            elif kind == 2:
                del raw[at:at + r.randrange(1, 3)]
            else:
                raw[at:at] = bytes(r.randrange(256) for _ in range(r.randrange(1, 6)))
        texts_as_bytes.append(bytes(raw))

    for unit in ["a", "A", " ", "\n", "\t", "1", "!", "=", "-", "é", "字", "😀", "\u0301", "\u00a0", "'s", "ab", "\r\n", " \n", "0 ", "\u200b"]:
        for size in (97, 500, 5000 if len(unit.encode()) < 3 else 1500):
            texts_as_bytes.append((unit * size + ("x" if size == 500 else "")).encode())
    for size in (64, 1000, 4000):
        texts_as_bytes.append("".join(r.choice("abcdefgh") for _ in range(size)).encode())
        texts_as_bytes.append("".join(r.choice("0123456789") for _ in range(size)).encode())
        texts_as_bytes.append("".join(r.choice("!?.,-=*") for _ in range(size)).encode())
        texts_as_bytes.append("".join(r.choice(" \t\n\r\u00a0") for _ in range(size)).encode())
    seen, distinct = set(), []
    for text in texts_as_bytes:
        if text not in seen:
            seen.add(text)
            distinct.append(text)
    return distinct


if __name__ == "__main__":
    made = texts()
    print(len(made), sum(map(len, made)))
