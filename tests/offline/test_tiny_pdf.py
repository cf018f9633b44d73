"""A tiny book, printed."""

import pdf
import pikepdf
import pypdfium2


def test_a_book_is_printed_in_one_file(tiny, tmp_path) -> None:
    toc, book = tiny()
    out = tmp_path / "out" / "tiny.pdf"
    assert pdf.make(toc, book, out) == 9  # cover, imprint, contents, six pages
    read = pypdfium2.PdfDocument(out)
    text = [page.get_textpage().get_text_range() for page in read]
    marks = [(b.level, b.get_title(), b.get_dest().get_index() + 1) for b in read.get_toc()]
    assert marks == [
        (0, "Contents", 3),
        (0, "Page book index", 4),
        (0, "Chapters", 5),
        (1, "1. Page book one", 5),
        (2, "First", 5),
        (2, "Answers", 5),
        (2, "Page notebooks one", 6),
        (3, "First of the lab", 6),
        (3, "Answers", 6),
        (0, "Reference", 7),
        (1, "Page book api index", 7),
        (2, "Page book api alpha", 8),
        (2, "Page book api beta", 9),
    ]
    contents = " ".join(text[2].split())
    assert "1. Page book one 5 First 5 Answers 5 Page notebooks one 6" in contents
    assert "Page book api beta 9" in contents
    assert "Copy" not in text[4]
    assert "#" not in text[4]
    question, answer = text[4].index("Why is it so?"), text[4].index("Because of that.")
    assert question < text[4].index("Answer 1, at the end") < answer
    assert "fox" in text[5][: text[5].index("Forty-two.")]  # a list opens in place
    with pikepdf.open(out) as file:
        assert str(file.docinfo["/Author"]) == "the mmcourse authors"
        assert str(file.Root.Lang) == "en"
        targets = [str(a.A.URI) for p in file.pages for a in p.get("/Annots", []) if "/A" in a]
    assert not [target for target in targets if "127.0.0.1" in target]
