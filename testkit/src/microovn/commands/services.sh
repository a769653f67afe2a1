# Prints the table of `snap services microovn`, and then what systemd says of its units, those without a file among them. snapd
# asks systemd for every property of every unit by a process of its own, and is asked itself by a program that takes long to start:
# that is eight times what it takes to ask systemd once. As there, a service is enabled by what starts it, and active while it is
# reloaded. Where there are no units, snapd says why.
cd "$2" || exit
shopt -s nullglob
units=(snap."$1".*.{service,timer})
((${#units[@]})) || exec snap services "$1"
declare -A startup current notes
states=$(systemctl show --property=Id,UnitFileState,ActiveState,SubState,Result,NRestarts -- "${units[@]}" "snap.$1.*.service") || exit
while IFS='=' read -r property value; do
    case $property in
        Id) id=$value ;;
        UnitFileState) [[ $value == enabled || $value == static ]] && enabled=enabled || enabled=disabled ;;
        ActiveState) [[ $value == active || $value == reloading ]] && active=active || active=inactive ;;
        '')
            service=${id#snap.} service=${service%.*}
            if [[ $id == *.timer ]]; then
                startup[$service]=$enabled notes[$service]=timer-activated
            else
                current[$service]=$active startup[$service]=${startup[$service]:-$enabled}
            fi
            ;;
    esac
done <<<"$states"$'\n'
echo 'Service Startup Current Notes'
for service in "${!current[@]}"; do
    echo "$service ${startup[$service]} ${current[$service]} ${notes[$service]:--}"
done
printf '= units\n%s\n' "$states"
