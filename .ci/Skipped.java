import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Reads names of test reports from stdin; prints "CLASS.METHOD, tab, reason" per skipped test, then how many ran. */
class Skipped {
    public static void main(final String[] args) throws Exception {
        final var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
        final var names = new BufferedReader(new InputStreamReader(System.in));
        int ran = 0;
        for (String name = names.readLine(); name != null; name = names.readLine()) {
            final NodeList cases = builder.parse(new File(name)).getElementsByTagName("testcase");
            for (int i = 0; i < cases.getLength(); i++) {
                final Element test = (Element) cases.item(i);
                final NodeList skips = test.getElementsByTagName("skipped");
                if (skips.getLength() == 0) {
                    ran++;
                    continue;
                }
                final Element skip = (Element) skips.item(0);
                final String text = skip.hasAttribute("message") ? skip.getAttribute("message") : skip.getTextContent();
                final String reason = text.replaceFirst("(?s)\\R\\s+at .*", "")
                        .strip()
                        .replaceFirst("^(\\S*TestAbortedException: *)?(Assumption failed: )?", "");
                System.out.println(test.getAttribute("classname") + "." + test.getAttribute("name") + "\t"
                        + (reason.isEmpty() ? "no reason given" : reason.replaceAll("\\s+", " ")));
            }
        }
        System.out.println(ran);
    }
}
