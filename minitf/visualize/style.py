"""With this module one can change how drawings look: every colour and shape is said here."""

from __future__ import annotations

from dataclasses import dataclass

from minitf.visualize import collapse, grouping


@dataclass(frozen=True)
class Paint:
    """The colours of a box: its inside, its edge."""

    fill: str
    edge: str


PART = {
    grouping.FORWARD: Paint("#e4edfb", "#3566b8"),
    grouping.GRADIENT: Paint("#fde8d8", "#c8601a"),
    grouping.UPDATE: Paint("#dff3e4", "#2f8550"),
    grouping.INITIALIZE: Paint("#f0f0f0", "#808080"),
    grouping.SAVE: Paint("#ece6f8", "#6f52b5"),
    grouping.SUMMARY: Paint("#fbe3ee", "#b5487d"),
}
PART_NAMES = {
    grouping.FORWARD: "model",
    grouping.GRADIENT: "gradients",
    grouping.UPDATE: "updates",
    grouping.INITIALIZE: "first values",
    grouping.SAVE: "saving",
    grouping.SUMMARY: "summaries",
}
PLACEHOLDER = Paint("#fff3c4", "#a67c00")
CONSTANT = Paint("#ffffff", "#9a9a9a")
FADED = Paint("#fafafa", "#cfcfcf")

# One colour for each device, in the order in which the devices are met; then they come again.
DEVICES = (
    Paint("#dbe9f9", "#2b66b0"),
    Paint("#fde2c8", "#bf6413"),
    Paint("#d9f0dc", "#2c7f43"),
    Paint("#f5d9e6", "#ad3d73"),
    Paint("#e6dff5", "#6548ad"),
    Paint("#d5f0f0", "#1f7d80"),
    Paint("#f7eebb", "#8d7600"),
    Paint("#eee0d6", "#80573a"),
)
NO_DEVICE = Paint("#f4f4f4", "#8a8a8a")

TIMES = "\N{MULTIPLICATION SIGN}"  # between the sizes of a shape
TEXT, FAINT_TEXT, FADED_TEXT = "#1f2430", "#5d6472", "#b8b8b8"

# How each kind of link is drawn: attributes of Graphviz.
LINK = {
    collapse.DATA: {"color": "#4a5568"},
    # Ranked against their direction, so that each gradient stands level with what it belongs to.
    collapse.BACKWARD: {"color": "#c8601a", "dir": "back", "weight": "6"},
    collapse.KEPT: {"color": "#d9b99f", "minlen": "0", "arrowsize": "0.5", "weight": "2"},
    collapse.APPLIED: {"color": "#c8601a", "minlen": "0"},
    collapse.SETTING: {"color": "#9cc3a9", "constraint": "false", "arrowsize": "0.5"},
    collapse.CHANGES: {"color": "#2f8550", "style": "dotted", "constraint": "false"},
    collapse.SENT: {"color": "#6f52b5", "style": "bold"},
    collapse.CONTROL: {"color": "#8a8f99", "style": "dashed", "arrowhead": "open"},
}
