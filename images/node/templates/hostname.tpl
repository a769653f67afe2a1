{% if config_get("user.testkit.hostname", "") %}{{ config_get("user.testkit.hostname", "") }}{% else %}{{ instance.name }}{% endif %}
