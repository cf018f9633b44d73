"""Code on a page is run, and what it says is what stands beneath."""

import re

PAGE = """
Page
====

.. run-python::

   greeting = "hello"
   print(greeting, "there")
   len(greeting)

Some words.

.. run-python::

   greeting.upper()
"""


def test_what_is_printed_and_the_last_value_are_shown_and_names_are_kept(tiny):
    tiny.write("index.rst", PAGE)
    tiny.build("ext.snippets")
    text = re.sub(r"<[^>]+>", "", tiny.html())
    assert "hello there\n5" in text
    assert "greeting.upper()" in text
    assert "HELLO" in text
    assert "'HELLO'" not in text  # a sentence is shown as a sentence
    assert tiny.messages == ""


def test_code_without_output_has_no_empty_box(tiny):
    tiny.write("index.rst", "Page\n====\n\n.. run-python::\n\n   x = 1\n")
    tiny.build("ext.snippets")
    assert "mm-said" not in tiny.html()


def test_code_that_raises_fails_the_build(tiny):
    tiny.write("index.rst", "Page\n====\n\n.. run-python::\n\n   1 / 0\n")
    tiny.build("ext.snippets")
    assert "this code raised ZeroDivisionError: division by zero" in tiny.messages
    assert tiny.status == 1


def test_one_page_does_not_see_the_names_of_another(tiny):
    tiny.write("a.rst", ":orphan:\n\nA\n=\n\n.. run-python::\n\n   x = 1\n")
    tiny.write("index.rst", "Page\n====\n\n.. run-python::\n\n   'x' in globals()\n")
    tiny.build("ext.snippets")
    assert "False" in tiny.html()
