"""The HTML, style and script of the live page and of the first administrator's form."""
