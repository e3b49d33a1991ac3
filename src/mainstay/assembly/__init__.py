"""Where rooms meet: settings, the app, and what it serves beside the declared resources.

from mainstay.assembly import Mainstay, Settings

app = Mainstay(resources=[Author, Book], settings=Settings(database_url="sqlite:///shop.db"))
"""

from mainstay.assembly.application import Mainstay
from mainstay.assembly.install import install
from mainstay.assembly.load import Loaded, load
from mainstay.assembly.rooms import Rooms
from mainstay.assembly.settings import Settings, settings_of

__all__ = ["Loaded", "Mainstay", "Rooms", "Settings", "install", "load", "settings_of"]
