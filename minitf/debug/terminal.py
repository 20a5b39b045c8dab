"""With this module the debugger reads lines from a terminal, with history and completed names."""

from __future__ import annotations

from collections.abc import Callable


class Terminal:
    """Reads lines that a person types, or that a file holds.

    Args:
      names: gives the words that the tabulator key completes.
    """

    def __init__(self, names: Callable[[], list[str]]) -> None:
        self._names = names
        self._found: list[str] = []
        try:
            import readline
        except ImportError:  # Python may have been built without it
            return
        readline.set_completer(self._complete)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")

    def __call__(self, prompt: str) -> str:
        """The next line.

        Raises:
          EOFError: at the end of the lines, or when Ctrl-D is typed.
        """
        return input(prompt)

    def _complete(self, text: str, number: int) -> str | None:
        if number == 0:
            self._found = [name for name in self._names() if name.startswith(text)]
        return self._found[number] if number < len(self._found) else None
