# Prints what snapd answers when it is asked at its socket, the first argument, for the connections of a snap, the second: as
# `snap connections` does, a program that takes eight times as long to start as to do that. Nodes have Perl without its modules,
# among which are the names of numbers: 1 and 1 are AF_UNIX and SOCK_STREAM.
my ($path, $snap) = @ARGV;
socket(my $snapd, 1, 1, 0) or die "no socket: $!\n";
connect($snapd, pack 'S Z*', 1, $path) or die "cannot reach snapd: $!\n";
# Of HTTP/1.0, so that the answer is in one piece and ends with the connection.
syswrite $snapd, "GET /v2/connections?select=all&snap=$snap HTTP/1.0\r\n\r\n";
my $answer = join '', <$snapd>;
my ($head, $body) = split /\r\n\r\n/, $answer, 2;
$head =~ m{^HTTP/1\.[01] 200 } or die "snapd: $answer\n";
print $body;
