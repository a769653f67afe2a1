{% if config_get("user.testkit.datapath", "") == "netdev" %}[Service]
ExecStartPost=-/snap/bin/microovn.ovs-vsctl --retry --timeout=20 --no-wait set Open_vSwitch . external_ids:ovn-bridge-datapath-type=netdev
{% endif %}
