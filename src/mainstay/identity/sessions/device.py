"""What a User-Agent header says, in words that a person recognises: "Firefox on Windows".

A few rules for what is in use, first match first. Nothing is decided by it: a header says what its sender likes.
"""

UNKNOWN = "Unknown device"
# The order is the meaning: Edge and Opera also say Chrome, Chrome also says Safari, Android also says Linux.
_PROGRAMS = (
    ("edg/", "Edge"), ("edga/", "Edge"), ("edgios/", "Edge"), ("opr/", "Opera"),
    ("samsungbrowser/", "Samsung Internet"),
    ("vivaldi/", "Vivaldi"), ("firefox/", "Firefox"), ("fxios/", "Firefox"), ("crios/", "Chrome"),
    ("headlesschrome/", "Chrome"), ("chrome/", "Chrome"), ("chromium/", "Chrome"), ("safari/", "Safari"),
    ("trident/", "Internet Explorer"), ("curl/", "curl"), ("wget/", "Wget"), ("python-httpx/", "Python"),
    ("python-requests/", "Python"), ("aiohttp/", "Python"), ("mainstay-python/", "Python"), ("okhttp/", "Android app"),
    ("dart/", "Dart app"), ("cfnetwork/", "Apple app"), ("postmanruntime/", "Postman"), ("insomnia/", "Insomnia"),
    ("node", "Node.js"), ("go-http-client/", "Go"), ("java/", "Java"),
)  # fmt: skip
_SYSTEMS = (
    ("iphone", "iPhone"), ("ipad", "iPad"), ("android", "Android"), ("cros ", "ChromeOS"), ("windows", "Windows"),
    ("mac os x", "macOS"), ("macintosh", "macOS"), ("darwin", "macOS"), ("freebsd", "FreeBSD"), ("linux", "Linux"),
)  # fmt: skip


def parts_of(user_agent: str | None) -> tuple[str | None, str | None]:
    """The program and the system that this header names, as far as they are known."""
    text = (user_agent or "").lower()
    program = next((name for mark, name in _PROGRAMS if mark in text), None)
    return program, next((name for mark, name in _SYSTEMS if mark in text), None)


def device_of(user_agent: str | None) -> str:
    """The same as one text."""
    program, system = parts_of(user_agent)
    if program and system:
        return f"{program} on {system}"
    return program or system or UNKNOWN
