# Prints the certificates of the folder that is its first argument, then those that are shown at the end that is its second.
echo own
for file in cluster server; do [ ! -e "$1/$file.crt" ] || printf '%s\n' "$(<"$1/$file.crt")"; done
echo
echo shown
timeout 10 openssl s_client -no-CAfile -no-CApath -no-CAstore -showcerts -connect "$2" </dev/null 2>&1
exit 0
