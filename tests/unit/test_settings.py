"""The environment in, settings out."""

import pytest

from inventory.settings import Settings, SettingsError


def test_nothing_set_is_the_default() -> None:
    """An empty variable counts as one that is not set."""
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"MONGO_URL": "", "INVENTORY_LOG_LEVEL": ""}) == Settings()


def test_values_are_read() -> None:
    """Text, truths, numbers and choices arrive as what they are."""
    settings = Settings.from_env(
        {
            "REDIS_URL": "off",
            "INVENTORY_REQUIRE_IDEMPOTENCY_KEY": "On",
            "INVENTORY_MONGO_POOL_SIZE": "7",
            "INVENTORY_LOG_LEVEL": "error",
        }
    )
    assert settings.redis_url == "off"
    assert settings.require_idempotency_key is True
    assert settings.mongo_pool_size == 7
    assert settings.log_level == "error"


@pytest.mark.parametrize(
    "variable,value,said",
    [
        ("INVENTORY_REQUIRE_IDEMPOTENCY_KEY", "yes", "say on or off"),
        ("INVENTORY_MONGO_POOL_SIZE", "0", "say a whole number, 1 or more"),
        ("INVENTORY_MONGO_POOL_SIZE", "ten", "say a whole number, 1 or more"),
        ("INVENTORY_TRUSTED_PROXIES", "-1", "say a whole number, 0 or more"),
        ("INVENTORY_LOG_LEVEL", "loud", "say one of debug, info, warning, error"),
    ],
)
def test_bad_values_are_refused(variable: str, value: str, said: str) -> None:
    """What makes no sense is refused by name, with what would make sense."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: value})
    assert caught.value.problems == [f"{variable}={value!r}: {said}"]


def test_typing_errors_are_noticed() -> None:
    """A variable that looks like a setting and is none is refused, together with all else."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"INVENTORY_LOGLEVEL": "info", "INVENTORY_LOG_LEVEL": "loud"})
    assert len(caught.value.problems) == 2
    assert "INVENTORY_LOGLEVEL: no such setting" in caught.value.problems
