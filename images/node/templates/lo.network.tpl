{% if config_get("user.testkit.network.lo", "") %}{{ config_get("user.testkit.network.lo", "") }}{% else %}[Match]
Name=lo
{% endif %}
