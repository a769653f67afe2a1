# Says what is in the folder that is its argument. An encrypted key is not asked for its password. Only keys take a
# process each: there are a dozen files.
certificates() {
    local line inside=
    while IFS= read -r line || [ "$line" ]; do
        case $line in *-BEGIN\ CERTIFICATE-*) inside=yes ;; esac
        [ "$inside" ] && printf '%s\n' "$line"
        case $line in *-END\ CERTIFICATE-*) inside= ;; esac
    done
}
cd "$1" 2>&1 || exit 0
echo "now $EPOCHSECONDS"
stat -c '== %a %U:%G %Y %n' -- * | while IFS= read -r about; do
    printf '%s\n' "$about"
    file=${about#== * * * }
    case $file in
        *-privkey.pem) openssl pkey -in "$file" -pubout -passin pass: </dev/null 2>&1 ;;
        *) certificates <"$file" ;;
    esac
done
exit 0
