# Says what is in the folder that is its second argument. An encrypted key is not asked for its password. Only keys take a
# process each, and they change seldom. So what was printed of one is kept in the folder that is the first argument, by when it was
# last changed, which nobody can set, and printed again while that is so. Not of one that was written just now: two writings within a
# moment may have the same time.
certificates() {
    local line inside=
    while IFS= read -r line || [ "$line" ]; do
        case $line in *-BEGIN\ CERTIFICATE-*) inside=yes ;; esac
        [ "$inside" ] && printf '%s\n' "$line"
        case $line in *-END\ CERTIFICATE-*) inside= ;; esac
    done
}
public_key() {
    local said kept=$keys/${identity//[^0-9]/-}
    if IFS= read -r -d '' said 2>/dev/null <"$kept" || [ "$said" ]; then
        printf '%s' "$said"
        return
    fi
    if said=$(openssl pkey -in "$file" -pubout -passin pass: </dev/null 2>&1) && ((EPOCHSECONDS - ${identity%% *} > 1)); then
        printf '%s\n' "$said" >"$kept"
    fi
    printf '%s\n' "$said"
}
keys=$1
cd "$2" 2>&1 || exit 0
[ -d "$keys" ] || mkdir -m 700 "$keys"
echo "now $EPOCHSECONDS"
stat -c '%Z %z %i %s == %a %U:%G %Y %n' -- * | while IFS= read -r about; do
    identity=${about%% == *}
    about="== ${about#* == }"
    printf '%s\n' "$about"
    file=${about#== * * * }
    case $file in
        *-privkey.pem) public_key ;;
        *) certificates <"$file" ;;
    esac
done
exit 0
