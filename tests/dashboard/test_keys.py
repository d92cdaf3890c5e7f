"""API keys in the dashboard: made, shown once, and revoked."""

import http.client

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, SignIn, Visit, check_accessibility
from tests.integration.processes import eventually


def status_with(shop: Shop, key: str) -> int:
    """Return what the service answers to somebody with this key."""
    connection = http.client.HTTPConnection("127.0.0.1", shop.run.port, timeout=20)
    try:
        connection.request("GET", "/api/products?limit=1", headers={"X-API-Key": key})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_key_is_made_and_shown_once(page: Page, visit: Visit, shop: Shop) -> None:
    """What the service refuses is said beside its field; what it makes is shown, copied, gone."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit("#/keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Client").fill("storefront")
    dialog.get_by_label("Publishable").check()
    dialog.get_by_label("admin", exact=True).check()
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_text("A publishable key has catalog:read and")).to_be_visible()
    check_accessibility(page)
    dialog.get_by_label("admin", exact=True).uncheck()
    dialog.get_by_label("catalog:read").check()
    dialog.get_by_role("button", name="Make it").click()
    secret = dialog.get_by_label("The key of storefront")
    expect(dialog.get_by_text("It is not shown again.")).to_be_visible()
    key = secret.input_value()
    assert key.startswith("inv_pk_")
    assert status_with(shop, key) == 200
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.keyboard.press("Escape")
    expect(secret).to_be_visible()
    check_accessibility(page)
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("row", name="storefront")).to_contain_text("publishable")
    assert key not in page.content()


def test_a_key_ends_when_it_was_told_to(page: Page, visit: Visit) -> None:
    """The time that is typed is that of the browser; one that is past is refused."""
    visit("#/keys")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Client").fill("guest")
    dialog.get_by_label("stock:purchase").check()
    dialog.get_by_label("Ends").fill("2020-01-01T12:00")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_label("Ends")).to_have_accessible_description("This time is past.")
    dialog.get_by_label("Ends").fill("2099-01-01T12:00")
    dialog.get_by_role("button", name="Make it").click()
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("row", name="guest")).to_contain_text("1 Jan 2099, 12:00:00")


def test_a_key_is_revoked_after_a_question(page: Page, visit: Visit, shop: Shop) -> None:
    """It opens nothing any more, and stays in the list as what it is."""
    key = shop.make_key("leaving", "catalog:read")
    visit("#/keys")
    row = page.get_by_role("row", name="leaving")
    row.get_by_role("button", name="Revoke").click()
    check_accessibility(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).not_to_contain_text("signed in")
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("of leaving is revoked.")
    expect(row).to_contain_text("revoked")
    expect(row.get_by_role("button")).to_have_count(0)
    eventually(lambda: status_with(shop, key) == 401, "it still opens something")


def test_who_revokes_the_own_key_is_warned(sign_in: SignIn, shop: Shop) -> None:
    """The session ends with the key, and who goes on knows it before."""
    page = sign_in(shop.make_key("leaver", "admin"))
    page.goto(f"{shop.url}/admin/#/keys")
    row = page.get_by_role("row", name="leaver yours")
    row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("You are signed in with this key.")).to_be_visible()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
