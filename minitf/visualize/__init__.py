"""With this room one can look at graphs: `draw` makes pictures of them, `dprint` text, and
`explore` a page that replays a run.

Nothing in minitf imports it but the command line.
"""

from minitf.visualize.drawing import Drawing as Drawing
from minitf.visualize.drawing import draw as draw
from minitf.visualize.explorer import Explorer as Explorer
from minitf.visualize.explorer import explore as explore
from minitf.visualize.tree import dprint as dprint
