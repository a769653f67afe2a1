{% if config_get("user.testkit.network.eth1", "") %}{{ config_get("user.testkit.network.eth1", "") }}{% else %}[Match]
Name=eth1

[Network]
DHCP=yes
{% endif %}
