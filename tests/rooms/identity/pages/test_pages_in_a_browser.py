"""The pages as people meet them: in Chromium, with scripts and without, on a wide screen and a narrow one."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from playwright.async_api import Page

from tests.rooms.identity.federation.hostile import HostileIssuer
from tests.rooms.identity.pages.browsing import (
    ADA,
    OWN,
    STRANGERS,
    barriers,
    chrome,
    device,
    fill_profile,
    have_account,
    letter,
    picture,
    pictures,
    sign_in,
    sign_up,
    until,
)
from tests.rooms.identity.pages.conftest import Site
from tests.rooms.identity.pages.flows.test_own_pages import png
from tests.rooms.identity.pages.visitor import OTHER, PASSWORD


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
async def test_from_sign_up_to_deletion_on_two_devices(site: Site, chromium: Path, scripts: bool) -> None:
    wrong: list[str] = []
    async with (
        chrome(chromium) as browser,
        device(browser, wrong, java_script_enabled=scripts, viewport={"width": 360, "height": 740}) as (_, phone),
        device(browser, wrong, java_script_enabled=scripts, color_scheme="dark") as (_, desk),
    ):
        await sign_up(site, phone)
        await sign_in(phone)
        await fill_profile(phone)

        await desk.goto(f"{site.url}/account/sessions")
        await desk.get_by_label("E-mail address or username").fill(ADA)
        await desk.get_by_label("Password").fill("wrong password here")
        await desk.get_by_role("button", name="Sign in", exact=True).click()
        await desk.get_by_role("alert").get_by_text("The address or the password is wrong.").wait_for()
        await picture(desk, "sign-in-wrong-dark")
        await desk.get_by_label("Password").fill(PASSWORD)
        await desk.get_by_role("button", name="Sign in", exact=True).click()
        await desk.get_by_role("heading", name="Where you are signed in").wait_for()
        assert await desk.get_by_role("listitem").filter(has_text="last used").count() == 2
        await picture(desk, "sessions-dark")
        other = desk.get_by_role("listitem").filter(has_text="last used").filter(has_not_text="this device")
        await other.get_by_role("button").click()
        await desk.get_by_text("That device is signed out.").wait_for()
        await phone.goto(f"{site.url}/account")
        assert phone.url == f"{site.url}/account/sign-in?return_to=%2Faccount"

        await phone.get_by_role("link", name="Forgot your password?").click()
        await phone.get_by_label("E-mail address").fill(ADA)
        await picture(phone, "forgot-phone")
        await phone.get_by_role("button", name="Send the e-mail").click()
        await phone.get_by_role("heading", name="Check your e-mail").wait_for()
        await phone.goto(await letter(site))
        assert "token" not in phone.url
        await phone.get_by_label("New password").fill("password1")
        await phone.get_by_role("button", name="Set password").click()
        await phone.get_by_text("Please check what is marked below.").wait_for()
        assert await phone.get_by_label("New password").get_attribute("aria-invalid") == "true"
        await picture(phone, "reset-refused-phone")
        await phone.get_by_label("New password").fill(OTHER)
        await phone.get_by_role("button", name="Set password").click()
        await phone.get_by_text("Your new password is set.").wait_for()
        await desk.goto(f"{site.url}/account")
        assert "/account/sign-in" in desk.url, "a reset ends every session"

        await sign_in(desk, OTHER)
        await picture(desk, "account-dark")
        await desk.get_by_role("link", name="Delete account").click()
        await desk.get_by_label("Password").fill(OTHER)
        await picture(desk, "delete-dark")
        await desk.get_by_role("button", name="Delete my account").click()
        await desk.get_by_role("heading", name="Your account will be deleted").wait_for()
        await desk.goto(f"{site.url}/account")
        assert "/account/sign-in" in desk.url
        assert not wrong


async def test_a_letter_signs_in_where_it_was_asked_for_and_nowhere_else(site: Site, chromium: Path) -> None:
    wrong: list[str] = []
    async with (
        chrome(chromium) as browser,
        device(browser, wrong, java_script_enabled=False) as (_, page),
        device(browser, wrong) as (_, elsewhere),
    ):
        await have_account(site)
        await page.goto(f"{site.url}/account/sign-in")
        await page.get_by_role("link", name="E-mail me a sign-in link").click()
        await page.get_by_label("E-mail address").fill(ADA)
        await page.get_by_role("button", name="Send the e-mail").click()
        await page.get_by_label("Code").wait_for()
        await picture(page, "code")
        link = await letter(site)
        await elsewhere.goto(link)
        await elsewhere.get_by_text("Open this link in the browser where you asked for it").wait_for()
        assert await elsewhere.get_by_role("button").count() == 0
        await page.goto(link)
        assert "token" not in page.url
        await picture(page, "magic-link")
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("heading", name="Your account").wait_for()
        assert not wrong


async def test_axe_finds_no_barriers_on_any_page(site: Site, chromium: Path, axe: str) -> None:
    wrong: list[str] = []
    found: list[str] = []

    async def look(page: Page, name: str) -> None:
        address = f"{site.url}/account/{name}".rstrip("/")
        await pictures(page, address, name.replace("/", "-") or "account")
        # German words are the longest ones.
        await page.set_extra_http_headers({"accept-language": "de"})
        await page.goto(address)
        assert await page.evaluate("document.documentElement.lang") == "de"
        found.extend(await barriers(page, axe))
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, f"{name} is wider than a phone"

    async with (
        chrome(chromium) as browser,
        device(browser, wrong, viewport={"width": 360, "height": 740}) as (_, page),
    ):
        for name in STRANGERS:
            await look(page, name)
        await page.set_extra_http_headers({"accept-language": "en"})
        await have_account(site)
        # A page with everything marked that can be.
        await page.goto(f"{site.url}/account/sign-up")
        await page.evaluate("document.querySelectorAll('form').forEach((form) => { form.noValidate = true; })")
        await page.get_by_role("button", name="Create account").click()
        await page.get_by_role("alert").wait_for()
        assert re.match("Problem: ", await page.title())
        found += await barriers(page, axe)
        await picture(page, "sign-up-refused")
        await page.goto(f"{site.url}/account/sign-in")
        await sign_in(page)
        await make_key(site, page)
        found += await barriers(page, axe)
        for name in OWN:
            await look(page, name)
        assert not found, "\n".join(found)
        assert not wrong


async def make_key(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/account/keys/new")
    await page.get_by_label("Name").fill("Nightly export to the accountants' office")
    await page.get_by_label("See your own profile").check()
    await page.get_by_role("button", name="Make key").click()
    await page.get_by_role("heading", name="Nightly export").wait_for()
    assert re.fullmatch(r"msk_\w{49}", await page.locator(".secret code").first.inner_text())
    await picture(page, "key-made")


async def test_every_page_is_used_by_keyboard_alone_and_shows_where_one_is(site: Site, chromium: Path) -> None:
    wrong: list[str] = []
    async with chrome(chromium) as browser, device(browser, wrong) as (_, page):
        await have_account(site)
        await page.goto(f"{site.url}/account/sign-in")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        assert await page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0, "it is seen by then"
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type(ADA)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Your account").wait_for()
        for name in ("", "keys/new", "picture", "sessions", "factors"):
            await page.goto(f"{site.url}/account/{name}".rstrip("/"))
            seen = await page.evaluate(AROUND)
            assert not [each for each in seen if each["hidden"]], f"{name}: {seen}"
            assert [each["place"] for each in seen] == sorted(each["place"] for each in seen), "in the order of reading"
            assert len(seen) > 3
        assert not wrong


# What can be focused: where it stands in the document, and whether its focus could not be seen.
AROUND = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((each) => each.checkVisibility() && !each.hidden).map((each, place) => {
    each.focus({ focusVisible: true });
    const style = getComputedStyle(each);
    return { place, name: each.outerHTML.slice(0, 80), hidden: document.activeElement !== each
      || style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2 || each.tabIndex < 0 };
  })"""


async def test_a_camera_s_picture_is_made_smaller_and_an_account_elsewhere_is_connected(
    site: Site, chromium: Path, issuer: HostileIssuer, tmp_path: Path
) -> None:
    wrong: list[str] = []
    file = tmp_path / "camera.png"
    file.write_bytes(png(2600, 1300))
    async with chrome(chromium) as browser, device(browser, wrong) as (_, page):
        await have_account(site)
        await page.goto(f"{site.url}/account/sign-in")
        await sign_in(page)
        await page.get_by_role("link", name="Add a picture").click()
        await page.get_by_label("Choose a picture").set_input_files(file)
        # Drawing it takes the browser a moment.
        await until(page, "document.querySelector('#field-picture').files[0].name === 'picture'")
        await page.get_by_role("button", name="Save picture").click()
        await page.get_by_text("Your picture has been saved.").wait_for()
        await until(page, "document.querySelector('img.picture').naturalWidth === 512")
        await picture(page, "picture-there")
        await page.get_by_role("link", name="Back to your account").click()
        await page.get_by_role("link", name="Manage").nth(1).click()
        await page.get_by_role("button", name="Connect Acme").click()
        # The policy lets no form lead to another host; the page that answers does.
        await page.wait_for_url(f"{issuer.url}/authorize?**")
        asked = {name: each[0] for name, each in parse_qs(urlsplit(page.url).query).items()}
        issuer.nonce, issuer.token = asked["nonce"], lambda form: issuer.tokens(sub="ada-elsewhere")
        await page.goto(f"{site.url}/auth/federation/acme/callback?code=x&state={asked['state']}&iss={issuer.url}")
        await page.get_by_text("The account is connected.").wait_for()
        await picture(page, "connected")
        assert not wrong


async def test_an_app_and_a_passkey_are_added_and_the_passkey_alone_signs_in(
    site: Site, chromium: Path, axe: str
) -> None:
    wrong: list[str] = []
    address = site.url.replace("127.0.0.1", "localhost")
    async with chrome(chromium) as browser, device(browser, wrong, color_scheme="dark") as (context, page):
        key = await context.new_cdp_session(page)
        await key.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        await key.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        await have_account(site)
        await page.goto(f"{address}/account/sign-in")
        await sign_in(page)
        await page.get_by_role("link", name="Manage").first.click()
        found = await barriers(page, axe)
        await page.get_by_role("button", name="Add an authenticator app").click()
        secret = await page.locator("code").inner_text()
        await page.get_by_role("img", name="QR code").wait_for()
        found += await barriers(page, axe)
        await picture(page, "add-app-dark")
        await page.get_by_label("Code from the app").fill("000000")
        await page.get_by_role("button", name="Add the app").click()
        await page.get_by_text("This code is wrong").wait_for()
        await page.get_by_label("Code from the app").fill(pyotp.TOTP(secret).at(site.backend.clock.now()))
        await page.get_by_role("button", name="Add the app").click()
        await page.get_by_role("heading", name="Recovery codes").wait_for()
        assert await page.locator(".codes li").count() == 10
        found += await barriers(page, axe)
        await picture(page, "codes-dark")
        await page.get_by_role("link", name="I have saved them").click()
        await page.get_by_label("Name of the passkey").fill("Ada's key")
        await page.get_by_role("button", name="Add a passkey").click()
        await page.get_by_text("The passkey has been added.").wait_for()
        await page.get_by_role("heading", name="Ada's key").wait_for()
        await page.get_by_text("Rename", exact=True).click()
        await page.get_by_label("New name").fill("Ada's blue key")
        found += await barriers(page, axe)
        await picture(page, "rename-dark")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("heading", name="Ada's blue key").wait_for()
        await picture(page, "factors-dark")
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_label("E-mail address or username").fill(ADA)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("heading", name="Two-step verification").wait_for()
        found += await barriers(page, axe)
        await picture(page, "second-factor-dark")
        await page.get_by_role("button", name="Use a passkey").click()
        await page.get_by_role("heading", name="Your account").wait_for()
        await page.get_by_role("button", name="Sign out").click()
        await picture(page, "sign-in-passkey-dark")
        await page.get_by_role("button", name="Sign in with a passkey").click()
        await page.get_by_role("heading", name="Your account").wait_for()
        await picture(page, "account-with-factors-dark")
        site.backend.clock.advance(minutes=11)
        await page.get_by_role("link", name="Change password").click()
        await page.get_by_role("heading", name="Confirm that it is you").wait_for()
        await page.get_by_role("button", name="Use a passkey").click()
        await page.get_by_role("heading", name="Change password").wait_for()
        assert not found, "\n".join(found)
        assert not wrong
