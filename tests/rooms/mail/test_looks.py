"""Letters in a real browser: no wider than a telephone, readable in the light and in the dark."""

import os
from pathlib import Path
from typing import Literal

from playwright.async_api import async_playwright

from mainstay.mail import MailOptions
from mainstay.mail.render import Templates
from tests.rooms.mail.test_templates import EVERYTHING, KINDS

# A name for pictures to be looked at: MAINSTAY_PICTURES=/tmp/pictures.
PICTURES = os.environ.get("MAINSTAY_PICTURES")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LONG = "https://shop.example/verify?token=" + "x" * 300
CONTRAST = """() => {
  const light = (rgb) => {
    const parts = rgb.match(/[\\d.]+/g).slice(0, 3).map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || !element.checkVisibility() || element.offsetHeight === 0) continue;
    const [a, b] = [getComputedStyle(element).color, behind(element)].map(light).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}"""


async def test_letters_fit_a_telephone_and_can_be_read(chromium: Path) -> None:
    templates = Templates(MailOptions(app="Shop", url="https://shop.example"))
    pages = {kind: templates.render(kind, "ada@example.com", {**EVERYTHING, "link": LONG}).html for kind in KINDS}
    for state in ("ask", "left", "unknown"):
        values = {"state": state, "list": "news", "email": "x" * 60 + "@example.com", "nonce": "n"}
        pages[f"unsubscribe-{state}"] = templates.page("unsubscribe.html", values)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 360, "height": 640})
        for kind, html in pages.items():
            assert html is not None
            await page.set_content(html)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, kind
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                assert await page.evaluate(CONTRAST) == [], (kind, scheme)
                if PICTURES:
                    await page.screenshot(path=Path(PICTURES) / f"{kind}-{scheme}.png", full_page=True)
        await browser.close()
