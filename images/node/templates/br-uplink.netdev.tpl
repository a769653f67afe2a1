{% if config_get("user.testkit.network.br-uplink", "") %}[NetDev]
Name=br-uplink
Kind=bridge
{% endif %}
