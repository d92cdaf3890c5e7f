"""Text that deceives, hides, breaks out or never ends; all of it is text, or all of it is not.

What is text is kept to the letter: the service knows no language, and shows nothing to anybody.
"""

# Kept: each of these is in use somewhere, and none of them harms a JSON document.
TEXTS = {
    "four bytes": "\U0001f984\U00010348\U0010fffd",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "a flag": "\U0001f1e8\U0001f1ed",
    "a tag sequence": "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e007f",
    "from right to left": "\u0645\u0631\u062d\u0628\u0627",
    "an override of direction": "photo\u202egpj.exe",
    "embeddings of direction": "\u202aa\u202bb\u202cc\u2066d\u2067e\u2068f\u2069",
    "marks of direction": "a\u200eb\u200fc\u061cd",
    "a zero-width space": "ad\u200bmin",
    "zero-width joiners": "a\u200db\u200cc\u2060d",
    "a byte order mark within": "a\ufeffb",
    "a soft hyphen": "soft\u00adhyphen",
    "an invisible separator": "a\u2062b\u2063c",
    "variation selectors": "\u2764\ufe0f\u2764\ufe0e",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "a Kelvin sign": "\u212a",
    "a ligature": "\ufb01sh",
    "full width": "\uff21\uff22\uff23\uff1c\uff1e",
    "letters that look alike": "\u0430\u0440\u0440\u04cf\u0435",
    "a dotless i": "\u0131\u0130",
    "a sharp s": "stra\u00dfe STRA\u1e9eE",
    "Hangul in parts": "\u1112\u1161\u11ab",
    "marks without end": "Z" + "\u0300\u0315\u031a\u0301" * 12,
    "marks that decompose into marks": "\u0f73\u0f75\u0f81" * 12,
    "a word of eighteen words": "\ufdfa" * 3,
    "noncharacters": "\ufdd0\ufffe\uffff\U0001ffff",
    "private use": "\ue000\U000f0000",
    "unassigned": "\u0378\U000e0fff",
    "a replacement character": "\ufffd",
    "an object": "\ufffc",
    "interlinear notes": "\ufff9a\ufffab\ufffbc",
    "a no-break space": "a\u00a0b",
    "an ideographic space": "a\u3000b",
    "a script": "<script>alert(1)</script>",
    "the end of a script": "</script><svg/onload=alert(1)>",
    "an image": '"><img src=x onerror=alert(1)>',
    "a comment": "<!--#exec cmd=id --><!-- a --!>",
    "entities": "&lt;&#60;&amp;lt;",
    "an address": "javascript:alert(1)//data:text/html,<b>",
    "quotes": "a'b\"c`d\\e\\\\f",
    "escapes that are none": "\\u0000\\n\\x00\\ud800",
    "JSON": '{"a": [1, "b"]}',
    "callbacks": "/**/callback(1)//",
    "a formula": "=1+1",
    "a formula of a call": "=HYPERLINK(\"http://127.0.0.1:1/\",\"a\")",
    "a formula by plus": "+1+cmd|' /C calc'!A0",
    "a formula by minus": "-2+3",
    "a formula by at": "@SUM(1+9)",
    "CSV": 'a,"b",\'c\';d|e',
    "an event": "event: a data: b id: 1 retry: 0",
    "headers": "Set-Cookie: a=b; HttpOnly%0d%0aLocation: //a",
    "a log line": '{"level":"error","event":"forged"}',
}  # fmt: skip
# In texts of several lines these are kept as well.
LAYOUTS = {
    "a tab": "a\tb",
    "line ends": "a\nb\r\nc\rd\u2028e\u2029f",
    "a formula behind a tab": "\t=1+1",
}
# Refused everywhere: no database, log or terminal is to meet them. As they are written in JSON.
_CONTROLS = (*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0))
NO_TEXTS = {
    **{f"control {code:02x}": f"a\\u{code:04x}b" for code in _CONTROLS},
    "half a pair": "a\\ud83db",
    "the other half": "a\\ude00b",
    "a pair the wrong way round": "\\ude00\\ud83d",
    "two first halves": "\\ud83d\\ud83d",
}
# Refused where a text is one line.
NO_LINES = {
    "a tab": "a\\tb",
    "an LF": "a\\nb",
    "a CR": "a\\rb",
    "a line separator": "a\\u2028b",
    "a paragraph separator": "a\\u2029b",
    "nothing but spaces": "\\u3000 ",
}
