{% if config_get("user.testkit.network.br-uplink", "") %}{{ config_get("user.testkit.network.br-uplink", "") }}{% else %}[Match]
Name=br-uplink
{% endif %}
