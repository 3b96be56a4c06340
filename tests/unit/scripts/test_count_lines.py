"""Lines of code are counted without docstrings, comments and blank lines."""

from scripts.count_lines import docstring_lines, main, python_lines

SOURCE = '''"""Module."""

import os  # a comment


class Thing:
    """One.

    Two.
    """

    text = """no
    docstring"""

    def say(self):
        "Say."
        # why
        return (
            os.name
        )
'''


def test_code_and_docstrings_are_counted_apart() -> None:
    """Code: import, class, two lines of text, def, three of return; docstrings: 1 + 4 + 1."""
    assert python_lines(SOURCE) == (8, 6)


def test_a_string_that_is_no_docstring_is_code() -> None:
    import ast

    assert docstring_lines(ast.parse('x = """a\nb"""')) == set()


def test_the_table_has_a_line_a_folder_and_their_sum(capsys) -> None:
    main(["pages", "focus_ui"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line[0] for line in lines] == ["pages", "focus_ui", "together"]
    first, second, both = ([int(n.replace(",", "")) for n in line[1:]] for line in lines)
    assert [a + b for a, b in zip(first, second, strict=True)] == both
