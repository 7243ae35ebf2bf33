# Scores every letter in FOLDER/letters with Debian's rules below ROOT: no user preferences, no
# learning, no score of ours. Network tests are on; the names of this namespace answer them.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($folder, $root) = @ARGV;
my $filter = Mail::SpamAssassin->new({
    rules_filename      => "$root/usr/share/spamassassin",
    site_rules_filename => "$root/etc/spamassassin",
    userstate_dir       => $folder,
    home_dir_for_helpers => $folder,
    LOCAL_STATE_DIR     => $folder,
    dont_copy_prefs     => 1,
    local_tests_only    => 0,
});
$filter->init(0);
for my $path (sort glob("$folder/letters/*")) {
    open my $file, '<:raw', $path or die "$path: $!";
    my @lines = map { s/\r\n\z/\n/r } <$file>;
    my $mail = $filter->parse(\@lines);
    my $status = $filter->check($mail);
    my $scores = $status->{conf}->{scores};
    my ($name) = $path =~ m{([^/]+)\z};
    my @rules = map { "$_=" . ($scores->{$_} // 0) } sort @{ $status->{test_names_hit} };
    printf "%s\t%.2f\t%s\n", $name, $status->get_score, join(',', @rules);
    $status->finish;
    $mail->finish;
}
