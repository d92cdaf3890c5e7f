"""Where webhooks may lead: a corpus of URLs that have been used to get inside."""

from ipaddress import ip_address, ip_network

import pytest

from inventory.domain.targets import TargetRefused, check, is_public, parse

INSIDE = (ip_network("127.0.0.0/8"), ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))

HOSTILE = [
    # Another scheme, or none.
    "http://shop.example/", "HTTP://shop.example/", "ftp://shop.example/", "file:///etc/passwd",
    "gopher://shop.example/_x", "javascript:alert(1)", "data:text/plain,x", "//shop.example/",
    "shop.example/hook", "https:shop.example", "https:/shop.example", "https:///shop.example",
    "ws://shop.example/", "", "https://", "https:// shop.example",
    # This machine.
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/",
    "https://127.0.0.1/", "https://127.0.0.1:22/", "https://127.1/", "https://127.0.1/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0x7F.1/",
    "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.01/", "https://127.0.0.1./",
    "https://0/", "https://0.0.0.0/", "https://00.0.0.0/", "https://4294967295/", "https://0x/",
    "https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:0:127.0.0.1]/",
    "https://[::1%25lo]/", "https://[::1%lo]/", "https://[fe80::1%25eth0]/", "https://::1/",
    # Networks that are nobody's business.
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[fd00:ec2::254]/",
    "https://[fec0::1]/", "https://100.100.100.200/", "https://168.63.129.16/", "https://198.18.0.1/",
    "https://192.0.0.192/", "https://192.0.2.1/", "https://255.255.255.255/", "https://240.0.0.1/",
    "https://224.0.0.1/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[100::1]/",
    # Wrapped into an address of another kind.
    "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::1]/", "https://[2002:a9fe:a9fe::]/", "https://[2001:0:53aa:64c::1]/",
    # Names of the network that one is in.
    "https://mongo/", "https://metadata.google.internal/", "https://printer.local/",
    "https://router.lan/", "https://nas.home.arpa/", "https://x.localdomain/", "https://a.onion/",
    # Two readers, two meanings.
    "https://user@shop.example/", "https://user:password@shop.example/", "https://@shop.example/",
    "https://shop.example@127.0.0.1/", "https://127.0.0.1@shop.example/",
    "https://shop.example:80@127.0.0.1/", "https://shop.example\\@127.0.0.1/",
    "https:\\\\shop.example/", "https://shop.example\\.internal/", "https://shop.example#@127.0.0.1",
    "https://shop.example/#fragment", "https://127.0.0.1#.shop.example", "https://shop.example%2f/",
    "https://%6c%6f%63%61%6c%68%6f%73%74/", "https://127.0.0.1%00.shop.example/",
    "https://shop.example:/", "https://shop.example:0/", "https://shop.example:65536/",
    "https://shop.example:443:443/", "https://shop.example:+443/",
    "https://[127.0.0.1]/", "https://[shop.example]/", "https://[::1/", "https://::1]/",
    "https://shop.example./", "https://.shop.example/", "https://shop..example/",
    "https://-shop.example/", "https://shop-.example/", "https://shop_1.example/",
    f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/",
    f"https://shop.example/{'x' * 2_000}",
    # Letters that look like others, and what cannot be seen.
    "https://\u24dbocalhost/", "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://127\u30020\u30020\u30021/", "https://sh\u043ep.example/", "https://lo\u00adcalhost/",
    "https://shop.example/\u202e", "https://shop.example/ x", "https://shop.example/\nHost: x",
    "https://shop\t.example/", "\thttps://shop.example/", "https://shop.example/\r\n",
    "https://shop.example/\u00e9", "https://\u00dfhop.example/", "https://\x00/",
    "https://shop.example:\u0664\u0664\u0663/",
]  # fmt: skip

GOOD = {
    "https://shop.example/hooks/stock": ("shop.example", 443, "/hooks/stock"),
    "https://shop.example": ("shop.example", 443, "/"),
    "HTTPS://Shop.Example:8443/A?b=c&d=%20": ("shop.example:8443", 8443, "/A?b=c&d=%20"),
    "https://shop.example?x=/..//@127.0.0.1/": ("shop.example", 443, "/?x=/..//@127.0.0.1/"),
    "https://shop.example//double": ("shop.example", 443, "//double"),
    "https://xn--bcher-kva.example/": ("xn--bcher-kva.example", 443, "/"),
    "https://1.1.1.1/": ("1.1.1.1", 443, "/"),
    "https://[2606:4700:4700::1111]:8443/": ("[2606:4700:4700::1111]:8443", 8443, "/"),
    "https://127.0.0.1.shop.example/": ("127.0.0.1.shop.example", 443, "/"),
}


def test_the_corpus() -> None:
    """There are more than a hundred, and each is another one."""
    assert len(set(HOSTILE)) == len(HOSTILE) > 100


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_hostile_urls_are_refused(url: str) -> None:
    """What could lead anywhere but to a public address, by https, is refused by what it says."""
    with pytest.raises(TargetRefused):
        parse(url, ())


@pytest.mark.parametrize("url", GOOD)
def test_good_urls_are_taken_apart(url: str) -> None:
    """What is allowed says where to connect, what to call it there, and what to ask for."""
    target = parse(url, ())
    assert (target.place, target.port, target.path) == GOOD[url]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/x", "https://10.1.2.3/", "https://[fd00:1::5]/", "http://erp/hook"],
)
def test_named_networks_are_allowed(url: str) -> None:
    """Where the operator named networks, http and their addresses will do, and names of any kind,
    whose addresses are looked at later."""
    parse(url, INSIDE)
    with pytest.raises(TargetRefused):
        parse(url, ())


@pytest.mark.parametrize(
    "addresses,scheme",
    [
        (["10.2.0.1"], "https"),
        (["1.1.1.1"], "http"),
        (["10.1.0.1", "1.1.1.1"], "http"),
        (["1.1.1.1", "169.254.169.254"], "https"),
        (["1.1.1.1", "::ffff:10.2.0.1"], "https"),
        (["2606:4700::1", "fe80::1%eth0"], "https"),
    ],
)
def test_every_address_counts(addresses: list[str], scheme: str) -> None:
    """One address of a name that is not allowed is enough to refuse all of them."""
    with pytest.raises(TargetRefused):
        check(map(ip_address, addresses), scheme, INSIDE)


def test_addresses_that_are_allowed() -> None:
    """Public ones by https, those of named networks by http too, however they are written."""
    check([ip_address("1.1.1.1"), ip_address("2606:4700::1")], "https", ())
    check([ip_address("10.1.0.1"), ip_address("::ffff:10.1.0.2")], "http", INSIDE)
    assert is_public(ip_address("64:ff9b::101:101"))
    assert is_public(ip_address("2002:101:101::"))
