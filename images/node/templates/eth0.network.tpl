{% if config_get("user.testkit.network.eth0", "") %}{{ config_get("user.testkit.network.eth0", "") }}{% else %}[Match]
Name=eth0

[Network]
DHCP=yes
{% endif %}
