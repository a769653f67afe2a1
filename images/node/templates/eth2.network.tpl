{% if config_get("user.testkit.network.eth2", "") %}{{ config_get("user.testkit.network.eth2", "") }}{% else %}[Match]
Name=eth2

[Network]
DHCP=yes
{% endif %}
