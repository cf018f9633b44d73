"""How a computed value is printed: Python's format language, then typography."""

import re

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
THIN, MINUS, TIMES = "\u202f", "\u2212", "\u00d7"


def printed(value: object, spec: str | None = None) -> str:
    """The value as a reader sees it: 0.9534 with ".1%" is "95.3 %", 1.2e-07 is "1.2 × 10⁻⁷".

    Without a spec, whole numbers are printed in full and others with three digits.
    A spec that does not fit the value raises ValueError.
    """
    if spec is None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return str(value)
        spec = ",d" if isinstance(value, int) else ".3g"
    text = format(value, spec)
    if isinstance(value, str):
        return text
    power = re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", text)
    if power and value == 0:
        return "0"
    if power:
        exponent = str(int(power[2])).translate(RAISED)
        return f"{power[1].replace('-', MINUS)}{THIN}{TIMES}{THIN}10{exponent}"
    text = text.replace("%", f"{THIN}%")
    return MINUS + text[1:] if text.startswith("-") else text
