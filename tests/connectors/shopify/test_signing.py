"""Shopify's signatures, against the vectors both of its libraries agree on."""

import pytest

from connectors.platforms.shopify import signing

SECRET = "hush-test-secret-0001"
ODD = {"code": "a b&c=d%/+é", "shop": "some-shop.myshopify.com", "state": "x~y*z", "timestamp": "1337178173"}
BODY = (
    '{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","note":"café"}'
).encode()


class TestQuerySignature:
    def test_matches_the_plain_vector(self):
        query = {
            "shop": "some-shop.myshopify.com",
            "timestamp": "1337178173",
            "hmac": "51835e39588f045728844bf19bb3b71fe94328082fcf49c83e40d2bd2f075472",
        }
        assert signing.is_query_signed(query, [SECRET])

    @pytest.mark.parametrize(
        "digest",
        [
            "728766f3221d7db10ee3cbc437b98be645ae260000059b3cd00d3a24582f1fea",
            "de528290b188df9bad629374a92d3726f416c977f89b97e86ab9796397748dcf",
        ],
    )
    def test_accepts_either_escaping(self, digest):
        assert signing.is_query_signed({**ODD, "hmac": digest}, ["other", SECRET])

    def test_refuses_a_changed_value_and_a_missing_or_foreign_signature(self):
        digest = "728766f3221d7db10ee3cbc437b98be645ae260000059b3cd00d3a24582f1fea"
        assert not signing.is_query_signed({**ODD, "state": "y", "hmac": digest}, [SECRET])
        assert not signing.is_query_signed(ODD, [SECRET])
        assert not signing.is_query_signed({**ODD, "hmac": "é"}, [SECRET])


class TestWebhookSignature:
    def test_matches_the_vector_over_raw_bytes(self):
        assert signing.is_webhook_signed(BODY, "BHU3umXqCzlh5vNtbTc/b6hRcj0HEPhwEVMozNkN23w=", ["x", SECRET])

    def test_refuses_the_same_json_written_otherwise(self):
        header = "BHU3umXqCzlh5vNtbTc/b6hRcj0HEPhwEVMozNkN23w="
        assert not signing.is_webhook_signed(BODY.replace(b",", b", "), header, [SECRET])


class TestShopDomain:
    def test_is_lowered(self):
        assert signing.shop_domain("Some-Shop.myshopify.com") == "some-shop.myshopify.com"

    @pytest.mark.parametrize(
        "text",
        [
            "-x.myshopify.com",
            "a.b.myshopify.com",
            "evil.com",
            "x.myshopify.com.evil.com",
            "x.myshopify.com/",
            "x.myshopify.com?a",
            "https://x.myshopify.com",
            "some_shop.myshopify.com",
            "ſ.myshopify.com",
            "x.myshopify.com\n",
            "",
        ],
    )
    def test_refuses_everything_else(self, text):
        assert signing.shop_domain(text) == ""
